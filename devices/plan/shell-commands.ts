// The commands that make a planned model: LLM-Pruner's two scripts, then hearth convert.
// Their arguments are those of its scripts/llama_prune.sh; models with grouped heads need llama3.py.

import type { LlamaModel } from '../../model/shape/llama-model.js';
import type { FileType } from '../../model/types/mixtures.js';
import type { Device } from '../catalogue/device.js';
import type { BaseModel } from './base-model.js';
import type { LayerRange } from './block-pruning.js';
import type { PrunedCandidate } from './candidates.js';

/** What LLM-Pruner's scripts need that its README does not say; found by running them. */
export const LLM_PRUNER_NEEDS =
  'LLM-Pruner runs with torch 2.6.0 and transformers 4.49.0; its tracer fails unless config.json of the unpruned model says "use_cache": false.';

/** To be run in turn, the first two in a checkout of LLM-Pruner; an unpruned model needs only the last. */
export function makeCommands(
  base: BaseModel,
  { ratio, layers, model }: Pick<PrunedCandidate, 'ratio' | 'layers' | 'model'>,
  fileType: FileType,
): string[] {
  if (layers === null) return convertUnpruned(base, fileType);
  const run = `${slug(base.name)}-${Math.round(100 * ratio)}`;
  const isGrouped = model.layers.some(({ nHead, nHeadKv }) => nHead !== nHeadKv);
  const range = `--block_mlp_layer_start ${layers.first} --block_mlp_layer_end ${layers.last + 1} ${attentionRange(base, layers, model)}`;
  const pruned = `prune_log/${run}/pytorch_model.bin`;
  return [
    `python ${isGrouped ? 'llama3.py' : 'hf_prune.py'} --base_model ${quote(base.source)} --pruning_ratio ${ratio} --block_wise ${range} --pruner_type taylor --taylor param_first ${isGrouped ? '--max_seq_len 2048 --device cuda' : '--device cpu'} --eval_device cuda --save_ckpt_log_name ${run} --save_model`,
    `python post_training.py --prune_model ${pruned} --data_path yahma/alpaca-cleaned --lora_r 8 --num_epochs 2 --learning_rate 1e-4 --batch_size 64 --output_dir tune_log/${run} --wandb_project ${run}`,
    `hearth convert prune_log/${run} --lora tune_log/${run} --type ${fileType} -o ${run}-${fileType}.gguf`,
  ];
}

/** Where its rounding removes no head, LLM-Pruner ends with an error of torch.cat, unless it looks for none. */
function attentionRange(
  { model: unpruned }: BaseModel,
  { first, last }: LayerRange,
  { layers }: LlamaModel,
): string {
  const isPruned = layers[first]?.nHeadKv !== unpruned.layers[first]?.nHeadKv;
  return `--block_attention_layer_start ${first} --block_attention_layer_end ${isPruned ? last + 1 : first}`;
}

/** hearth's own pruning, to the widths of a candidate that is pruned. */
export function pruneCommand(
  base: BaseModel,
  { ratio, layers, model }: Pick<PrunedCandidate, 'ratio' | 'layers' | 'model'>,
  fileType: FileType,
): string {
  const { first, last } = layers ?? { first: 0, last: 0 };
  const { nHeadKv, nFf } = model.layers[first] ?? { nHeadKv: 0, nFf: 0 };
  const folder = base.isDownloaded ? quote(base.source) : slug(base.name);
  const output = `${slug(base.name)}-${Math.round(100 * ratio)}-${fileType}.gguf`;
  return `hearth prune ${folder} --kv-heads ${nHeadKv} --n-ff ${nFf} --layers ${first}-${last} --type ${fileType} -o ${output}`;
}

export type ForDevice = {
  device: Device;
  nCtx: number;
  /** Of devices that are not hearth's own. */
  deviceFiles: readonly string[];
};

/** hearth's own comparison of what fits the device, pruned or not. */
export function pruneForCommand(base: BaseModel, { device, nCtx, deviceFiles }: ForDevice): string {
  const folder = base.isDownloaded ? quote(base.source) : slug(base.name);
  const files = deviceFiles.map((file) => ` --devices ${quote(file)}`).join('');
  const output = `${slug(base.name)}-${slug(device.id)}.gguf`;
  return `hearth prune ${folder} --for ${quote(device.id)}${files} --ctx ${nCtx} -o ${output}`;
}

function convertUnpruned({ name, source, isDownloaded }: BaseModel, fileType: FileType): string[] {
  const folder = isDownloaded ? source : slug(name);
  return [
    ...(isDownloaded ? [] : [`hf download ${source} --local-dir ${folder}`]),
    `hearth convert ${quote(folder)} --type ${fileType} -o ${slug(name)}-${fileType}.gguf`,
  ];
}

/** A name for folders and files that no shell reads anything into. */
function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'model'
  );
}

/** As one word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
