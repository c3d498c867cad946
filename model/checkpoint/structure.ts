// Checks that the tensors form one Llama: every part there, and widths that fit each other.
// Widths may differ from layer to layer; only what the mathematics demands is checked.
// Never believes the config, except for the head size where nothing else stores it.
import { CheckpointError } from './checkpoint-error.js';
import { ATTENTION, FEED_FORWARD, LAYER_WEIGHT } from './llama-names.js';
import { showValue } from './show-value.js';
import { formatShape, isCount, type TensorSource } from './tensor-source.js';

export type StructureInput = {
  path: string;
  tensors: ReadonlyMap<string, TensorSource>;
  config: Record<string, unknown>;
  headSize: number | null;
  tiedEmbeddings: boolean;
};

/** LLAMA_MAX_LAYERS of llama.cpp's llama-hparams.h. */
const MAX_LAYERS = 512;

/** Throws {@link CheckpointError} naming the first tensor that is missing or does not fit. */
export function checkStructure(input: StructureInput): void {
  const check = new ShapeCheck(input);
  const [nVocab, nEmbd] = check.matrix('model.embed_tokens.weight');
  if (nVocab * nEmbd === 0) check.fail('model.embed_tokens.weight', 'is empty');
  check.expect('model.norm.weight', [nEmbd]);
  if (!input.tiedEmbeddings) check.expect('lm_head.weight', [nVocab, nEmbd]);
  const nLayer = countLayers(input);
  const headSize = findHeadSize(input);
  for (let layer = 0; layer < nLayer; layer++) {
    checkHiddenSize(check, `model.layers.${layer}`, nEmbd);
    checkAttention(check, `model.layers.${layer}`, nEmbd, headSize);
    checkFeedForward(check, `model.layers.${layer}`, nEmbd);
  }
}

/** Layers present, which must be numbered 0 to n-1. */
export function countLayers({ path, tensors }: Pick<StructureInput, 'path' | 'tensors'>): number {
  const layers = new Set<number>();
  for (const name of tensors.keys()) {
    const layer = LAYER_WEIGHT.exec(name)?.[1];
    if (layer !== undefined) layers.add(Number(layer));
  }
  for (let layer = 0; layer < layers.size; layer++)
    if (!layers.has(layer))
      throw new CheckpointError(path, `model.layers.${layer} is missing between other layers`);
  if (layers.size > MAX_LAYERS)
    throw new CheckpointError(
      path,
      `has ${layers.size} layers; llama.cpp runs models of at most ${MAX_LAYERS}`,
    );
  if (layers.size === 0) throw new CheckpointError(path, 'has no layers; it is not a Llama model');
  return layers.size;
}

/** Rows of one head: stored, or what transformers computes from the config where it is not. */
export function findHeadSize({
  path,
  config,
  headSize,
}: Pick<StructureInput, 'path' | 'config' | 'headSize'>): number {
  const { hidden_size: hiddenSize, num_attention_heads: nHead } = config;
  const computed = isCount(hiddenSize) && isCount(nHead) ? hiddenSize / nHead : undefined;
  const size = headSize ?? computed;
  if (isCount(size) && size > 0 && size % 2 === 0) return size;
  throw new CheckpointError(
    path,
    `has a head size of ${showValue(size)}, expected an even whole number`,
  );
}

/** Told apart from damage: some pruners give layers hidden sizes of their own. */
function checkHiddenSize(check: ShapeCheck, layer: string, nEmbd: number): void {
  for (const norm of ['input_layernorm', 'post_attention_layernorm']) {
    const name = `${layer}.${norm}.weight`;
    const width = check.vector(name);
    if (width !== null && width !== nEmbd)
      check.fail(
        name,
        `is ${width} wide, but the embedding ${nEmbd}: llama.cpp has one hidden size for all layers; prune it alike in all of them, or`,
      );
  }
}

/** q, k, v, o and a norm; a layer may lack them all, and may have lost all its heads. */
function checkAttention(check: ShapeCheck, layer: string, nEmbd: number, headSize: number): void {
  const attention = `${layer}.self_attn`;
  if (!ATTENTION.some((name) => check.has(`${attention}.${name}.weight`))) return;
  const [qRows] = check.matrix(`${attention}.q_proj.weight`);
  const [kRows] = check.matrix(`${attention}.k_proj.weight`);
  check.multiple(`${attention}.q_proj.weight`, qRows, headSize);
  check.multiple(`${attention}.k_proj.weight`, kRows, headSize);
  check.expectLinear(`${attention}.q_proj`, qRows, nEmbd);
  check.expectLinear(`${attention}.k_proj`, kRows, nEmbd);
  check.expectLinear(`${attention}.v_proj`, kRows, nEmbd);
  check.expectLinear(`${attention}.o_proj`, nEmbd, qRows);
  check.expect(`${layer}.input_layernorm.weight`, [nEmbd]);
  if (kRows === 0 ? qRows !== 0 : qRows % kRows !== 0)
    check.fail(
      `${attention}.q_proj.weight`,
      `has ${qRows / headSize} heads, which ${kRows / headSize} key-value heads do not divide`,
    );
}

function checkFeedForward(check: ShapeCheck, layer: string, nEmbd: number): void {
  const [gate, up, down] = FEED_FORWARD.map((name) => `${layer}.mlp.${name}`) as [
    string,
    string,
    string,
  ];
  const [nFf] = check.matrix(`${gate}.weight`);
  check.expectLinear(gate, nFf, nEmbd);
  check.expectLinear(up, nFf, nEmbd);
  check.expectLinear(down, nEmbd, nFf);
  const norm = `${layer}.post_attention_layernorm.weight`;
  if (nFf > 0 || check.has(norm)) check.expect(norm, [nEmbd]);
}

/** Shapes by name, with errors that name the tensor, what it has and what it should have. */
class ShapeCheck {
  readonly #input: StructureInput;

  constructor(input: StructureInput) {
    this.#input = input;
  }

  has(name: string): boolean {
    return this.#input.tensors.has(name);
  }

  /** Its length; null for what is missing or no vector, which {@link expect} will tell. */
  vector(name: string): number | null {
    const shape = this.#input.tensors.get(name)?.shape;
    return shape?.length === 1 ? (shape[0] as number) : null;
  }

  /** `[rows, columns]` */
  matrix(name: string): [number, number] {
    const shape = this.#shape(name);
    if (shape.length !== 2) this.fail(name, `is ${formatShape(shape)}, expected a matrix`);
    return shape as [number, number];
  }

  expect(name: string, expected: number[]): void {
    const shape = this.#shape(name);
    if (formatShape(shape) !== formatShape(expected))
      this.fail(name, `is ${formatShape(shape)}, expected ${formatShape(expected)}`);
  }

  /** A weight of `[rows, columns]` and, where there is one, its bias of `[rows]`. */
  expectLinear(module: string, rows: number, columns: number): void {
    this.expect(`${module}.weight`, [rows, columns]);
    if (this.has(`${module}.bias`)) this.expect(`${module}.bias`, [rows]);
  }

  multiple(name: string, rows: number, headSize: number): void {
    if (rows % headSize !== 0)
      this.fail(name, `has ${rows} rows, expected a multiple of the head size ${headSize}`);
  }

  fail(name: string, problem: string): never {
    throw new CheckpointError(
      this.#input.path,
      `${name} ${problem}; the checkpoint is damaged, or its parts are not one Llama's`,
    );
  }

  #shape(name: string): number[] {
    const tensor = this.#input.tensors.get(name);
    return tensor ? tensor.shape : this.fail(name, 'is missing');
  }
}
