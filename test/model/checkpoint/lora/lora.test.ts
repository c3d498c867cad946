// LoRAs that peft saved, against the change of the weights that peft's own merge makes.
// fixtures/checkpoints/loras/peft-deltas.json has those changes for three matrices of each.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../../model/checkpoint/checkpoint.js';
import { type LoraPair, openLora } from '../../../../model/checkpoint/lora/lora.js';
import type { TensorSource } from '../../../../model/checkpoint/tensor-source.js';
import { fixtures } from '../../../support/samples.js';
import { tinySafetensors } from '../../../support/tiny-torch.js';
import { readTensorBytes } from '../tensor-table.js';

const base = path.join(fixtures, 'checkpoints/forms/float32');
const loras = path.join(fixtures, 'checkpoints/loras');
const peft: Record<string, Record<string, number[]>> = JSON.parse(
  readFileSync(path.join(loras, 'peft-deltas.json'), 'utf8'),
);

for (const [name, deltas] of Object.entries(peft))
  t.test(`${name} changes the weights as peft does`, async (t) => {
    const folder = path.join(loras, name, name === 'trainer' ? 'checkpoint-8' : '');
    const lora = await openLora(folder, await openCheckpoint(base));
    t.equal(lora.pairs.size, 3 * 7);
    for (const [target, expected] of Object.entries(deltas)) {
      const delta = deltaOf(lora.pairs.get(target) as LoraPair);
      t.equal(delta.length, expected.length);
      const worst = Math.max(...delta.map((value, i) => Math.abs(value - (expected[i] as number))));
      t.ok(worst < 2e-6, `${target} differs by ${worst}`);
    }
  });

const REFUSED: Record<string, object> = {
  use_dora: { use_dora: true },
  lora_bias: { lora_bias: true },
  bias: { bias: 'all' },
  modules_to_save: { modules_to_save: ['lm_head'] },
  init_lora_weights: { init_lora_weights: 'pissa' },
  enable_lora: { enable_lora: [true, false, true] },
  use_bdlora: { use_bdlora: { nblocks: 2 } },
  layer_replication: { layer_replication: [[0, 2]] },
  peft_type: { peft_type: 'LOHA' },
};

for (const [name, fields] of Object.entries(REFUSED))
  t.test(`${name} is refused by its name`, async (t) => {
    const opening = openLora(loraFolder(t.testdir(), fields, PAIR), await openCheckpoint(base));
    const message = new RegExp(`adapter_config\\.json: has ${name} .*hearth cannot merge`);
    await t.rejects(opening, { name: 'CheckpointError', message });
  });

const Q_PROJ = 'base_model.model.model.layers.0.self_attn.q_proj';
const PAIR = { [`${Q_PROJ}.lora_A.weight`]: [2, 16], [`${Q_PROJ}.lora_B.weight`]: [16, 2] };

const WRONG: Record<string, { shapes: Record<string, number[]>; message: RegExp }> = {
  'a rank that the config does not tell': {
    shapes: { [`${Q_PROJ}.lora_A.weight`]: [3, 16], [`${Q_PROJ}.lora_B.weight`]: [16, 3] },
    message: /lora_A is \[3, 16\].*expected \[2, 16\] and \[16, 2\]/,
  },
  'half a pair': {
    shapes: { [`${Q_PROJ}.lora_B.weight`]: [16, 2] },
    message: /has lora_B without lora_A/,
  },
  'one matrix under two names': {
    shapes: { ...PAIR, [`${Q_PROJ}.lora_A.default.weight`]: [2, 16] },
    message: /lora_A is stored twice/,
  },
  'a matrix of an embedding': {
    shapes: { 'base_model.model.model.embed_tokens.lora_embedding_A': [2, 16] },
    message: /embed_tokens\.lora_embedding_A" is not a LoRA matrix/,
  },
  'a module saved whole': {
    shapes: { ...PAIR, 'base_model.model.lm_head.weight': [40, 16] },
    message: /lm_head\.weight" is not a LoRA matrix/,
  },
};

for (const [name, { shapes, message }] of Object.entries(WRONG))
  t.test(`${name} is refused`, async (t) => {
    const opening = openLora(loraFolder(t.testdir(), {}, shapes), await openCheckpoint(base));
    await t.rejects(opening, { name: 'CheckpointError', message });
  });

function loraFolder(folder: string, fields: object, shapes: Record<string, number[]>): string {
  const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, ...fields };
  writeFileSync(path.join(folder, 'adapter_config.json'), JSON.stringify(config));
  writeFileSync(path.join(folder, 'adapter_model.safetensors'), tinySafetensors(shapes));
  return folder;
}

/** scale · B·A, row by row. */
function deltaOf({ a, b, scale }: LoraPair): number[] {
  const [rank = 0, width = 0] = a.shape;
  const [out = 0] = b.shape;
  const [aValues, bValues] = [floats(a), floats(b)];
  return Array.from({ length: out * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    let sum = 0;
    for (let k = 0; k < rank; k++)
      sum += (bValues[row * rank + k] as number) * (aValues[k * width + column] as number);
    return scale * sum;
  });
}

function floats(tensor: TensorSource): Float32Array {
  return new Float32Array(Uint8Array.from(readTensorBytes(tensor)).buffer);
}
