// Damage at random: a checkpoint that was cut off or in which bytes changed opens or is refused.
// A failure prints its seed; the number of runs is bounded so that the test stays short.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../../../model/checkpoint/checkpoint-error.js';
import { openLora } from '../../../model/checkpoint/lora/lora.js';
import { fixtures } from '../../support/samples.js';

const RUNS = 150;

/** The file that is damaged, and how far into it the parts lie that describe the rest. */
const DAMAGED = {
  'checkpoints/forms/gradients': 'pytorch_model.bin',
  'checkpoints/forms/protocol-4': 'pytorch_model.bin',
  'checkpoints/forms/hf-bin-shards': 'pytorch_model-00001-of-00003.bin',
  'checkpoints/forms/hf-bf16': 'model.safetensors',
  'checkpoints/forms/hf-shards': 'model.safetensors.index.json',
  'checkpoints/forms/hf-tied-bin': 'config.json',
  'pruners/flap': 'pruned_model.pt',
  'pruners/per-layer-config': 'config.json',
  'pruners/puzzletron': 'config.json',
  'pruners/nemotron-nas': 'config.json',
  'pruners/decilm': 'config.json',
} as const;

for (const [form, name] of Object.entries(DAMAGED)) {
  const open = async (folder: string) => void (await openCheckpoint(folder));
  const original = readFileSync(path.join(fixtures, form, name));

  t.test(`${form}/${name} is refused wherever it is cut off`, async (t) => {
    const folder = copyOf(t.testdir(), form);
    const lengths = fc.integer({ min: 0, max: lastNeeded(original) });
    await check(lengths, async (length) => {
      writeFileSync(path.join(folder, name), original.subarray(0, length));
      if (await opensOrIsRefused(() => open(folder))) throw new Error('it opened');
    });
    t.pass(`${RUNS} lengths`);
  });

  t.test(`${form}/${name} opens or is refused whichever bytes change`, async (t) => {
    const folder = copyOf(t.testdir(), form);
    await check(changes(original.length), async (changed) => {
      writeFileSync(path.join(folder, name), withChanges(original, changed));
      await opensOrIsRefused(() => open(folder));
    });
    t.pass(`${RUNS} changes`);
  });
}

for (const name of ['adapter_model.safetensors', 'adapter_config.json'])
  t.test(`a LoRA opens or is refused whichever bytes of its ${name} change`, async (t) => {
    const checkpoint = await openCheckpoint(path.join(fixtures, 'checkpoints/forms/float32'));
    const folder = copyOf(t.testdir(), 'checkpoints/loras/patterns');
    const original = readFileSync(path.join(folder, name));
    await check(changes(Math.min(original.length, 6000)), async (changed) => {
      writeFileSync(path.join(folder, name), withChanges(original, changed));
      await opensOrIsRefused(async () => void (await openLora(folder, checkpoint)));
    });
    t.pass(`${RUNS} changes`);
  });

/** JSON ends in a line break, which may be missing. */
function lastNeeded(original: Buffer): number {
  return original.at(-1) === 0x0a ? original.length - 2 : original.length - 1;
}

type Change = { at: number; byte: number };

function changes(length: number): fc.Arbitrary<Change[]> {
  const at = fc.integer({ min: 0, max: length - 1 });
  const change = fc.record({ at, byte: fc.integer({ min: 0, max: 255 }) });
  return fc.array(change, { minLength: 1, maxLength: 4 });
}

function withChanges(original: Buffer, changed: readonly Change[]): Buffer {
  const bytes = Buffer.from(original);
  for (const { at, byte } of changed) bytes[at] = byte;
  return bytes;
}

async function check<T>(values: fc.Arbitrary<T>, predicate: (value: T) => Promise<void>) {
  await fc.assert(fc.asyncProperty(values, predicate), { numRuns: RUNS });
}

/** Whether it opened. Any other error than a CheckpointError is thrown on. */
async function opensOrIsRefused(open: () => Promise<void>): Promise<boolean> {
  try {
    await open();
    return true;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}

function copyOf(folder: string, form: string): string {
  cpSync(path.join(fixtures, form), folder, { recursive: true });
  return folder;
}
