// A Llama computed by plain loops in double precision, from the weights of an F32 GGUF, token by token: what
// llama.cpp's graph is held against where nobody else's figures are at hand. Tells the inputs of every weight.
// Llama and deci, with grouped-query attention, RoPE of the NORM kind, biases and factors of frequencies.
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../model/shape/model-shape.js';
import { readGgufTensors, type StoredTensor } from './gguf-tensors.js';

type Vector = Float64Array;
type Matrix = { rows: Float32Array; nCols: number; nRows: number };

/** By the name of the weight, an input for each token. */
export type PlainInputs = Map<string, Vector[]>;

export type PlainLlama = {
  /** From an empty context. */
  inputs(tokens: Int32Array): PlainInputs;
};

export async function openPlainLlama(filePath: string): Promise<PlainLlama> {
  const file = await readGgufFile(filePath);
  const { arch, nLayer, headSize } = shapeOfGguf(file);
  const tensors = await readGgufTensors(filePath);
  const model = {
    tensors,
    nLayer,
    headSize,
    eps: Number(file.metadata[`${arch}.attention.layer_norm_rms_epsilon`]),
    theta: Number(file.metadata[`${arch}.rope.freq_base`] ?? 10_000),
  };
  return {
    inputs(tokens) {
      const inputs: PlainInputs = new Map();
      const cache: Cache = Array.from({ length: nLayer }, () => ({ keys: [], values: [] }));
      for (const [position, token] of tokens.entries())
        computeToken(model, { token, position, cache, inputs });
      return inputs;
    },
  };
}

type Model = {
  tensors: ReadonlyMap<string, StoredTensor>;
  nLayer: number;
  headSize: number;
  eps: number;
  theta: number;
};
type Cache = { keys: Vector[]; values: Vector[] }[];
type Step = { token: number; position: number; cache: Cache; inputs: PlainInputs };

function computeToken(model: Model, step: Step): void {
  const embedding = matrix(model, 'token_embd.weight') as Matrix;
  const x = Float64Array.from(
    embedding.rows.subarray(step.token * embedding.nCols, (step.token + 1) * embedding.nCols),
  );
  for (let layer = 0; layer < model.nLayer; layer++) {
    addTo(x, attend(model, step, { x, layer }));
    addTo(x, feedForward(model, step, { x, layer }));
  }
}

type At = { x: Vector; layer: number };

function attend(model: Model, step: Step, { x, layer }: At): Vector | null {
  const blk = `blk.${layer}`;
  if (!model.tensors.has(`${blk}.attn_output.weight`)) return null;
  const normed = norm(model, x, `${blk}.attn_norm.weight`);
  const query = multiply(model, step, `${blk}.attn_q`, normed);
  const key = multiply(model, step, `${blk}.attn_k`, normed);
  const { keys, values } = step.cache[layer] as Cache[number];
  values.push(multiply(model, step, `${blk}.attn_v`, normed));
  rotate(model, query, step.position);
  rotate(model, key, step.position);
  keys.push(key);
  return multiply(model, step, `${blk}.attn_output`, mix(model.headSize, query, { keys, values }));
}

/** Of each head, the values by the softmax of query times key. */
function mix(headSize: number, query: Vector, { keys, values }: Cache[number]): Vector {
  const [nHead, nHeadKv] = [query, keys[0] as Vector].map(({ length }) => length / headSize) as [
    number,
    number,
  ];
  const mixed = new Float64Array(query.length);
  for (let head = 0; head < nHead; head++) {
    const from = Math.floor((head * nHeadKv) / nHead) * headSize;
    const own = query.subarray(head * headSize, (head + 1) * headSize);
    const scores = keys.map((key) => dot(own, key.subarray(from)) / Math.sqrt(headSize));
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - most));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [position, value] of values.entries())
      for (let i = 0; i < headSize; i++)
        mixed[head * headSize + i] =
          at(mixed, head * headSize + i) +
          ((weights[position] as number) / sum) * at(value, from + i);
  }
  return mixed;
}

function feedForward(model: Model, step: Step, { x, layer }: At): Vector | null {
  const blk = `blk.${layer}`;
  if (!model.tensors.has(`${blk}.ffn_down.weight`)) return null;
  const normed = norm(model, x, `${blk}.ffn_norm.weight`);
  const gate = multiply(model, step, `${blk}.ffn_gate`, normed);
  const up = multiply(model, step, `${blk}.ffn_up`, normed);
  const gated = up.map((value, i) => (value * at(gate, i)) / (1 + Math.exp(-at(gate, i))));
  return multiply(model, step, `${blk}.ffn_down`, gated);
}

function multiply(model: Model, { inputs }: Step, name: string, x: Vector): Vector {
  const weight = `${name}.weight`;
  inputs.set(weight, [...(inputs.get(weight) ?? []), x]);
  const { rows, nCols, nRows } = matrix(model, weight) as Matrix;
  const bias = matrix(model, `${name}.bias`);
  return Float64Array.from(
    { length: nRows },
    (_, row) => dot(x, rows.subarray(row * nCols)) + (bias?.rows[row] ?? 0),
  );
}

function norm(model: Model, x: Vector, name: string): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + model.eps);
  const { rows } = matrix(model, name) as Matrix;
  return x.map((value, i) => value * scale * at(rows, i));
}

/** Neighbours turn together, as ggml's NORM kind has it. */
function rotate(model: Model, heads: Vector, position: number): void {
  const { headSize, theta } = model;
  const factors = matrix(model, 'rope_freqs.weight')?.rows;
  for (let i = 0; i < heads.length; i += 2) {
    const pair = (i % headSize) / 2;
    const angle = (position * theta ** ((-2 * pair) / headSize)) / (factors?.[pair] ?? 1);
    const [a, b] = [at(heads, i), at(heads, i + 1)];
    heads[i] = a * Math.cos(angle) - b * Math.sin(angle);
    heads[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
  }
}

const matrices = new WeakMap<StoredTensor, Matrix>();

function matrix({ tensors }: Model, name: string): Matrix | undefined {
  const tensor = tensors.get(name);
  if (!tensor) return undefined;
  const known = matrices.get(tensor);
  if (known) return known;
  if (tensor.type !== 'F32') throw new Error(`${name} is ${tensor.type}; expected F32`);
  const { bytes, shape } = tensor;
  const made = {
    rows: new Float32Array(Uint8Array.from(bytes).buffer),
    nCols: shape[0] as number,
    nRows: shape[1] ?? 1,
  };
  matrices.set(tensor, made);
  return made;
}

/** Of the first, however long the second is. */
function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

function addTo(x: Vector, more: Vector | null): void {
  if (more) for (let i = 0; i < x.length; i++) x[i] = at(x, i) + at(more, i);
}

function at(values: ArrayLike<number>, i: number): number {
  return values[i] as number;
}
