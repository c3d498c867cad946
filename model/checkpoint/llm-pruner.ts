// Reads LLM-Pruner's checkpoint: torch.save({'model': model, 'tokenizer': tokenizer}).
// The whole Python model is in the pickle, and its config keeps the widths before pruning:
// shapes come from the tensors, the head size from the attention modules.
import path from 'node:path';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { checkConfig } from './llama-config.js';
import { isLlamaWeight } from './llama-names.js';
import { toPlainRecord } from './pickle/plain-json.js';
import { PickleObject, type PickleValue } from './pickle/value.js';
import { DESCRIPTION, readPruningArguments } from './pruning-arguments.js';
import { showValue } from './show-value.js';
import { isCount } from './tensor-source.js';
import { untie } from './tied-embeddings.js';
import { readTokenizerFiles } from './tokenizer-folder.js';
import { type ModuleTree, readModuleTree } from './torch/module-tree.js';
import { readPickledTokenizer } from './torch/pickled-tokenizer.js';
import type { TorchArchive } from './torch/torch-archive.js';

/** The checkpoint in an archive, with what lies beside it. Throws {@link CheckpointError}. */
export async function readLlmPruner(archive: TorchArchive): Promise<Omit<Checkpoint, 'path'>> {
  const { filePath } = archive;
  const model = findModel(archive);
  const config = { model_type: 'llama', ...toPlainRecord(model.field('config'), filePath) };
  checkConfig(config, filePath);
  const tree = readModuleTree(model, archive);
  for (const name of tree.tensors.keys()) isLlamaWeight(name, filePath);
  const tiedEmbeddings = untie(tree.tensors, false);
  return {
    kind: 'llm-pruner',
    config,
    headSize: readHeadSize(tree, config, filePath),
    tensors: tree.tensors,
    tiedEmbeddings,
    generationConfig: readGenerationConfig(model, filePath),
    ropeFactors: null,
    ...(await readNeighbours(archive)),
  };
}

function findModel({ root, filePath }: TorchArchive): PickleObject {
  const model = root instanceof Map ? root.get('model') : undefined;
  if (!(model instanceof PickleObject))
    throw new CheckpointError(
      filePath,
      `holds ${describe(root)}; expected what LLM-Pruner saves, {'model': ..., 'tokenizer': ...}`,
    );
  if (model.made.name !== 'LlamaForCausalLM')
    throw new CheckpointError(
      filePath,
      `its model is a ${model.made.qualifiedName}; hearth converts LlamaForCausalLM only, not Baichuan, Bloom, ChatGLM or others`,
    );
  return model;
}

function describe(root: PickleValue): string {
  if (root instanceof PickleObject) return `a bare ${root.made.qualifiedName}`;
  if (!(root instanceof Map)) return 'no dict';
  if (root.has('model')) return "a dict whose 'model' is not a pickled model";
  const keys = [...root.keys()].slice(0, 5).map((key) => showValue(key));
  return `a dict with ${keys.join(', ') || 'nothing'}`;
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

/** The tokenizer of the pickle, or else of the folder, and description.txt. */
async function readNeighbours({
  root,
  filePath,
}: TorchArchive): Promise<Pick<Checkpoint, 'tokenizer' | 'files' | 'pruningArguments'>> {
  const folder = path.dirname(filePath);
  const stored = root instanceof Map ? root.get('tokenizer') : undefined;
  const pickled = readPickledTokenizer(stored, filePath);
  const beside = pickled ? null : await readTokenizerFiles(folder);
  const pruningArguments = await readPruningArguments(folder);
  const description = pruningArguments ? [path.join(folder, DESCRIPTION)] : [];
  return {
    tokenizer: pickled ?? beside?.tokenizer ?? null,
    files: [filePath, ...(beside?.files ?? []), ...description],
    pruningArguments,
  };
}
