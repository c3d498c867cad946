// hearth's trial of llama.cpp's library beside node-llama-cpp's own: both say the same of a library that works,
// of one that has not the backend that was asked for, and of a file that is none.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { findAddonFolder } from '../../llama/libraries.js';
import { childrenOf } from '../support/processes.js';

type Trial = (binary: string, extension: undefined, gpu: 'cuda' | false) => Promise<boolean>;

const file = new URL(
  './bindings/utils/testBindingBinary.js',
  import.meta.resolve('node-llama-cpp'),
);
const { testBindingBinary: tryOut } = (await import(file.href)) as { testBindingBinary: Trial };

const addon = path.join(findAddonFolder('cpu'), 'llama-addon.node');
const verdicts = async () => [
  await tryOut(addon, undefined, false),
  await tryOut(addon, undefined, 'cuda'),
  await tryOut(import.meta.filename, undefined, false),
];

const whole = await verdicts();
// From here on, hearth's takes its place.
const { LlamaLogLevel, openNodeLlama } = await import('../../llama/node-llama.js');

t.test('the light trial says what the whole one says', async (t) => {
  t.same(whole, [true, false, false]);
  t.same(await verdicts(), whole);
});

t.test('opening llama.cpp starts the light one', async (t) => {
  if (process.platform !== 'linux') return;
  let isOpen = false;
  const opening = openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
  opening.finally(() => {
    isOpen = true;
  });
  const seen = new Set<string>();
  for (; !isOpen; await sleep(1))
    for (const pid of childrenOf(process.pid)) seen.add(path.basename(scriptOf(pid)));
  t.ok(seen.has('light-trial-child.js'), [...seen].join(' '));
  t.notOk(seen.has('testBindingBinary.js'));
  await (await opening).dispose();
});

/** Empty where it has ended. */
function scriptOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(1) ?? '';
  } catch {
    return '';
  }
}
