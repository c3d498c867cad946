// Opens a LoRA and checks every pair of its matrices against the checkpoint it is for.
// The pairs are merged later, while the weights stream: W += scale · B·A.
// Does not read the matrices' values.
import type { Checkpoint } from '../checkpoint.js';
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import { readJsonFile } from '../source-file.js';
import { formatShape, type TensorSource } from '../tensor-source.js';
import { type LoraConfig, parseLoraConfig } from './lora-config.js';
import { findLoraFiles, readMatrices } from './lora-files.js';
import { orderAsStored } from './paired-rows.js';

export type LoraPair = {
  /** `model.layers.0.self_attn.q_proj.weight` */
  target: string;
  /** `[r, in]` */
  a: TensorSource;
  /** `[out, r]` */
  b: TensorSource;
  /** alpha / r, or alpha / sqrt(r) with use_rslora. */
  scale: number;
  /** B·A is `[in, out]` and must be transposed before it is added. */
  fanInFanOut: boolean;
};

export type Lora = {
  path: string;
  files: string[];
  /** By target. */
  pairs: ReadonlyMap<string, LoraPair>;
  config: Record<string, unknown>;
};

/** Opens the LoRA in `dir` for `checkpoint`. Throws {@link CheckpointError}. */
export async function openLora(dir: string, checkpoint: Checkpoint): Promise<Lora> {
  const files = await findLoraFiles(dir);
  const config = parseLoraConfig(await readJsonFile(files.config), files.config);
  const halves = sortHalves(await readMatrices(files.matrices), files.matrices);
  const pairs = new Map<string, LoraPair>();
  for (const [module, half] of halves)
    pairs.set(`${module}.weight`, makePair(module, half, config, checkpoint, files.matrices));
  return { path: dir, files: [files.matrices, files.config], pairs, config: config.fields };
}

type Halves = Map<string, { A?: TensorSource; B?: TensorSource }>;

/** `base_model.model.` + module + `.lora_A.weight`, with the adapter's name in a state dict. */
const MATRIX_NAME = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;

function sortHalves(matrices: ReadonlyMap<string, TensorSource>, filePath: string): Halves {
  const halves: Halves = new Map();
  for (const [name, matrix] of matrices) {
    const [, module, side] = MATRIX_NAME.exec(name) ?? [];
    if (!module || (side !== 'A' && side !== 'B'))
      throw new CheckpointError(
        filePath,
        `${showValue(name)} is not a LoRA matrix that hearth can merge; expected names such as base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`,
      );
    if (halves.get(module)?.[side])
      throw new CheckpointError(filePath, `${module}: lora_${side} is stored twice`);
    halves.set(module, { ...halves.get(module), [side]: matrix });
  }
  if (halves.size === 0) throw new CheckpointError(filePath, 'holds no LoRA matrices');
  return halves;
}

function makePair(
  module: string,
  { A: a, B: b }: { A?: TensorSource; B?: TensorSource },
  config: LoraConfig,
  checkpoint: Checkpoint,
  filePath: string,
): LoraPair {
  const fail = (problem: string): never => {
    throw new CheckpointError(filePath, `${module}: ${problem}`);
  };
  const target = checkpoint.tensors.get(`${module}.weight`);
  if (target?.shape.length !== 2)
    return fail('is not a matrix of this checkpoint; the LoRA belongs to another model');
  if (!a || !b)
    return fail(
      `has lora_${a ? 'A' : 'B'} without lora_${a ? 'B' : 'A'}; copy or save the LoRA again`,
    );
  const { rank, scale } = config.scaleOf(module);
  const [out, width] = target.shape as [number, number];
  const fits = (rows: number, columns: number) =>
    formatShape(a.shape) === formatShape([rank, columns]) &&
    formatShape(b.shape) === formatShape([rows, rank]);
  // peft ignores fan_in_fan_out where the layer is a Linear, as all of a Llama's are.
  const straight = fits(out, width);
  if (!straight && !(config.fanInFanOut && fits(width, out)))
    return fail(
      `lora_A is ${formatShape(a.shape)} and lora_B ${formatShape(b.shape)}, expected ${formatShape([rank, width])} and ${formatShape([out, rank])}; the LoRA belongs to another model`,
    );
  const pair = { target: target.name, a, b, scale, fanInFanOut: !straight };
  return orderAsStored(pair, checkpoint);
}
