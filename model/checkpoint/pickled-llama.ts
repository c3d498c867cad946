// A LlamaForCausalLM that torch.save pickled as the Python object that it is.
// Pruning changes the modules and not the config, which keeps the widths before it: shapes come from
// the tensors, the head size from the attention modules. What else a file holds its format's reader knows.
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { checkConfig } from './llama-config.js';
import { isLlamaWeight } from './llama-names.js';
import { toPlainRecord } from './pickle/plain-json.js';
import { PickleObject } from './pickle/value.js';
import { showValue } from './show-value.js';
import { isCount } from './tensor-source.js';
import { untie } from './tied-embeddings.js';
import { type ModuleTree, readModuleTree } from './torch/module-tree.js';
import type { TorchArchive } from './torch/torch-archive.js';

type PickledLlama = Pick<
  Checkpoint,
  'config' | 'headSize' | 'tensors' | 'tiedEmbeddings' | 'generationConfig' | 'ropeFactors'
>;

/** What the pickled `model` is. Throws {@link CheckpointError} for any other class. */
export function readPickledLlama(model: PickleObject, archive: TorchArchive): PickledLlama {
  const { filePath } = archive;
  if (model.made.name !== 'LlamaForCausalLM')
    throw new CheckpointError(
      filePath,
      `its model is a ${model.made.qualifiedName}; hearth converts LlamaForCausalLM only, not Baichuan, Bloom, ChatGLM or others`,
    );
  const config = { model_type: 'llama', ...toPlainRecord(model.field('config'), filePath) };
  checkConfig(config, filePath);
  const tree = readModuleTree(model, archive);
  for (const name of tree.tensors.keys()) isLlamaWeight(name, filePath);
  const tiedEmbeddings = untie(tree.tensors, false);
  return {
    config,
    headSize: readHeadSize(tree, config, filePath),
    tensors: tree.tensors,
    tiedEmbeddings,
    generationConfig: readGenerationConfig(model, filePath),
    ropeFactors: null,
  };
}

/** `head_dim` of the attention modules; all layers must agree on it. */
function readHeadSize(
  { headSizes }: ModuleTree,
  config: Record<string, unknown>,
  filePath: string,
): number | null {
  const [first] = headSizes;
  for (const [module, size] of headSizes)
    if (!isCount(size) || size !== first?.[1])
      throw new CheckpointError(
        filePath,
        `${module} has head_dim ${showValue(size)}, ${first?.[0]} has ${showValue(first?.[1])}; expected one head size`,
      );
  const stored = first?.[1] ?? config['head_dim'];
  return isCount(stored) ? stored : null;
}

function readGenerationConfig(
  model: PickleObject,
  filePath: string,
): Record<string, unknown> | null {
  const stored = model.field('generation_config');
  return stored instanceof PickleObject ? toPlainRecord(stored, filePath) : null;
}
