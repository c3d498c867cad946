// The bundled node-llama-cpp: its trial of a library says what the package's own says, of one that works, of one
// that has not the backend that was asked for and of a file that is none; and opening llama.cpp starts that one.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { findAddonFolder } from '../../llama/libraries.js';
import { LlamaLogLevel, openNodeLlama } from '../../llama/node-llama.js';
import { childrenOf } from '../support/processes.js';

type Trial = (binary: string, extension: undefined, gpu: 'cuda' | false) => Promise<boolean>;

const OF_PACKAGE = new URL(
  './bindings/utils/testBindingBinary.js',
  import.meta.resolve('node-llama-cpp'),
);
const BUNDLED = new URL('../../llama/testBindingBinary.js', import.meta.url);

t.test('the bundled trial says what the package’s says', async (t) => {
  const addon = path.join(findAddonFolder('cpu'), 'llama-addon.node');
  for (const trial of [OF_PACKAGE, BUNDLED]) {
    const { testBindingBinary: tryOut } = (await import(trial.href)) as {
      testBindingBinary: Trial;
    };
    t.equal(await tryOut(addon, undefined, false), true, 'works');
    t.equal(await tryOut(addon, undefined, 'cuda'), false, 'another backend');
    t.equal(await tryOut(import.meta.filename, undefined, false), false, 'no library');
  }
});

t.test('opening llama.cpp starts the bundled trial', async (t) => {
  if (process.platform !== 'linux') return;
  let isOpen = false;
  const opening = openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
  opening.finally(() => {
    isOpen = true;
  });
  const seen = new Set<string>();
  for (; !isOpen; await sleep(1))
    for (const pid of childrenOf(process.pid)) seen.add(scriptOf(pid));
  t.ok(seen.has(fileURLToPath(BUNDLED)), [...seen].join(' '));
  t.notOk(seen.has(fileURLToPath(OF_PACKAGE)));
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
