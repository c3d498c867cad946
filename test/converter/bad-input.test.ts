// Inputs that cannot be converted: one clear message, exit code 1, no output and no temporary file.
// What every reader says to each is in test/model/checkpoint/; here the whole command is held to it.
// TABLE.md beside the files says what is wrong with each.
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { convert } from '../../converter/convert.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import { hearth } from '../support/hearth.js';
import { fixtures } from '../support/samples.js';

const bad = path.join(fixtures, 'bad');
const inputs = readdirSync(bad).filter((name) => name !== 'TABLE.md');

t.test('every bad input is refused by hearth convert', async (t) => {
  t.ok(inputs.length >= 15);
  const cwd = t.testdir();
  for (const name of inputs) {
    const isLora = name.startsWith('lora-');
    const checkpoint = isLora ? samplePath('formats/f_global') : path.join(bad, name);
    const lora = isLora ? ['--lora', path.join(bad, name)] : [];
    const run = await hearth(['convert', checkpoint, ...lora, '-o', 'a.gguf'], { cwd });
    t.equal(run.status, 1, name);
    t.equal(run.stdout, '');
    t.match(run.stderr, name, 'the message names the file');
    t.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
    t.notMatch(run.stderr, /\n {4}at |undefined|\[object/);
    t.strictSame(readdirSync(cwd), []);
  }
});

t.test('a LoRA of another model is refused by the name of a tensor', async (t) => {
  const cwd = t.testdir();
  const lora = path.join(samplePath('appliance/pruned-50'), 'lora');
  const run = await hearth(
    ['convert', samplePath('appliance/pruned-35'), '--lora', lora, '-o', 'a.gguf'],
    { cwd },
  );
  t.equal(run.status, 1);
  t.match(run.stderr, /layers\.\d+\..*_proj/);
  t.strictSame(readdirSync(cwd), []);
});

for (const [what, bits] of [
  ['NaN', 0x7e00],
  ['Infinity', 0x7c00],
  ['-Infinity', 0xfc00],
] as const)
  t.test(`${what} in a weight names the tensor, the row and the column`, async (t) => {
    const cwd = t.testdir();
    const tensor = 'model.layers.1.mlp.up_proj.weight';
    const file = path.join(cwd, 'in.bin');
    copyFileSync(path.join(samplePath('formats/f_gqa'), 'pytorch_model.bin'), file);
    await overwrite(file, tensor, bits);
    for (const type of ['F32', 'Q4_K_M']) {
      const run = await hearth(['convert', file, '--type', type, '-o', 'a.gguf'], { cwd });
      t.equal(run.status, 1);
      t.match(run.stderr, `${tensor} has ${what} in row 1, column 2: not a number`);
      t.strictSame(readdirSync(cwd), ['in.bin']);
    }
  });

t.test('a weight too large for the type is told, with a type that can hold it', async (t) => {
  const cwd = t.testdir();
  const folder = path.join(cwd, 'big');
  cpSync(samplePath('shapes/hf-linear-rope'), folder, { recursive: true });
  // 2^20 in bfloat16.
  await overwrite(folder, 'model.embed_tokens.weight', 0x4980);
  const f16 = await hearth(['convert', folder, '--type', 'F16', '-o', 'a.gguf'], { cwd });
  t.equal(f16.status, 1);
  t.match(f16.stderr, /embed_tokens\.weight .* too large for F16; convert with --type BF16/);
  const bf16 = await hearth(['convert', folder, '--type', 'BF16', '-o', 'a.gguf'], { cwd });
  t.equal(bf16.status, 0);
});

t.test('a checkpoint cut short while it is read is told as changed', async (t) => {
  const cwd = t.testdir();
  const file = path.join(cwd, 'in.bin');
  copyFileSync(path.join(samplePath('formats/f_tied'), 'pytorch_model.bin'), file);
  const output = path.join(cwd, 'a.gguf');
  const shorten = () => writeFileSync(file, readFileSync(file).subarray(0, 100_000));
  const converting = convert({ checkpoint: file, output, onPlan: shorten });
  await t.rejects(converting, {
    code: 'HEARTH_CHECKPOINT',
    message: /the file changed while it was read/,
  });
  t.strictSame(readdirSync(cwd), ['in.bin']);
});

t.test('a checkpoint that disappears is told, and leaves nothing', async (t) => {
  const cwd = t.testdir();
  const output = path.join(cwd, 'a.gguf');
  await t.rejects(convert({ checkpoint: path.join(cwd, 'none'), output }), CheckpointError);
  t.notOk(existsSync(output));
});

/** Gives the weight in row 1 and column 2 of `tensor` these bits. */
async function overwrite(checkpoint: string, tensor: string, bits: number): Promise<void> {
  const source = (await openCheckpoint(checkpoint)).tensors.get(tensor) as TensorSource;
  const value = Buffer.alloc(2);
  value.writeUInt16LE(bits);
  const file = openSync(source.filePath, 'r+');
  writeSync(file, value, 0, 2, source.offsetBytes + 2 * ((source.shape[1] as number) + 2));
  closeSync(file);
}
