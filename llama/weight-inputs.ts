// What goes into a model's products while llama.cpp computes them: its cb_eval, through which its
// scheduler asks before each node of a graph whether somebody wants to see it, and shows it after.
// Reads ggml's tensors where they lie, laid out as in ggml.h of the release that node-llama-cpp ships;
// a wrong layout would not fail but lie, so it is held against a tensor of known shape first.
// Judges nothing about what it reads.
import koffi from 'koffi';
import { type Ggml, loadGgml, type Pointer } from './ggml-calls.js';
import { openGraphContext } from './ggml-compute.js';
import type { LlamaLibraries } from './model-settings.js';

/** The second operand of a product, a row for each token. */
export type WeightInput = {
  /** Of the first operand, as in the file: `blk.0.ffn_down.weight`. */
  weight: string;
  /** The same for products of the same input within one graph. */
  id: Pointer;
  nCols: number;
  nRows: number;
  /** Fills the first `nRows` rows of `target`; possible only while it is shown. */
  read(target: Float32Array): void;
};

export type WeightListener = {
  /** Asked for each product of a weight with rows of float32, in the order of the graph. */
  wants(input: WeightInput): boolean;
  /** Shown what it wanted once the product is computed; false ends the graph there. */
  take(input: WeightInput): boolean;
};

export type RegisteredListener = {
  /** For llama_context_params. */
  callback: unknown;
  /** Throws what the listener threw, since the last time. */
  rethrow(): void;
  close(): void;
};

const PROTOTYPE = koffi.proto('bool hearth_cb_eval(void *tensor, bool ask, void *data)');

/** The listener is called on the thread that decodes, while it does. */
export function registerListener(
  libraries: LlamaLibraries,
  listener: WeightListener,
): RegisteredListener {
  const ggml = loadGgml(libraries);
  const product = checkTensorLayout(ggml);
  const names = new Map<Pointer, string>();
  let thrown: unknown;
  const evaluate = (tensor: Pointer, isAsking: boolean): boolean => {
    if (thrown !== undefined) return false;
    try {
      const input = readInput(ggml, tensor, product, names);
      if (input === null) return !isAsking;
      return isAsking ? listener.wants(input) : listener.take(input);
    } catch (error) {
      thrown = error;
      return false;
    }
  };
  const callback = koffi.register(evaluate, koffi.pointer(PROTOTYPE));
  return {
    callback,
    rethrow() {
      const error = thrown;
      thrown = undefined;
      if (error !== undefined) throw error;
    },
    close: () => koffi.unregister(callback),
  };
}

/** Bytes of a ggml_tensor, and where in it what lies. */
const TENSOR_BYTES = 336;
const TYPE = 0;
const NE = 16;
const NB = 48;
const OP = 80;
const SRC = 152;
const NAME = 256;
const MAX_NAME = 64;
const F32 = 0;

function readInput(
  ggml: Ggml,
  tensor: Pointer,
  product: number,
  names: Map<Pointer, string>,
): WeightInput | null {
  if (koffi.decode.int32(tensor + BigInt(OP)) !== product) return null;
  const [weightTensor, input] = sources(tensor);
  const weight = nameOf(weightTensor, names);
  if (!weight.endsWith('.weight')) return null;
  const fields = new DataView(koffi.view(input, TENSOR_BYTES));
  if (fields.getInt32(TYPE, true) !== F32) return null;
  const [nCols, nRows, nb0, nb1] = [NE, NE + 8, NB, NB + 8].map((offset) =>
    Number(fields.getBigInt64(offset, true)),
  ) as [number, number, number, number];
  if (nb0 !== 4 || nb1 !== 4 * nCols)
    throw new Error(`the input of ${weight} does not lie row after row`);
  const read = (target: Float32Array) => ggml.getData(input, target, 0, 4 * nCols * nRows);
  return { weight, id: input, nCols, nRows, read };
}

function sources(tensor: Pointer): [Pointer, Pointer] {
  const fields = new DataView(koffi.view(tensor + BigInt(SRC), 16));
  return [fields.getBigUint64(0, true), fields.getBigUint64(8, true)];
}

/** The scheduler copies a weight as `CUDA0#blk.0.attn_k.weight#0`, each time anew. */
function nameOf(tensor: Pointer, names: Map<Pointer, string>): string {
  const known = names.get(tensor);
  if (known !== undefined) return known;
  const bytes = Buffer.from(koffi.view(tensor + BigInt(NAME), MAX_NAME));
  const text = bytes.toString('utf8', 0, Math.max(0, bytes.indexOf(0)));
  const copied = text.split('#')[1];
  // A weight of the model stays where it is; other tensors' places are taken again.
  if (copied === undefined && text.endsWith('.weight')) names.set(tensor, text);
  return copied ?? text;
}

/** Returns the number of the operation that multiplies. Throws where tensors are laid out otherwise. */
function checkTensorLayout(ggml: Ggml): number {
  using context = openGraphContext(ggml, 4);
  const [weight, input] = [
    ggml.matrix(context.pointer, 96, 5),
    ggml.matrix(context.pointer, 96, 7),
  ];
  ggml.setName(weight, 'CPU#blk.0.check.weight#0');
  const tensor = ggml.product(context.pointer, weight, input);
  const [first, second] = sources(tensor);
  const fields = new DataView(koffi.view(input, TENSOR_BYTES));
  const found = [NE, NE + 8, NB, NB + 8].map((offset) => Number(fields.getBigInt64(offset, true)));
  const isAsExpected =
    first === weight &&
    second === input &&
    nameOf(weight, new Map()) === 'blk.0.check.weight' &&
    found.join() === '96,7,4,384';
  if (isAsExpected) return koffi.decode.int32(tensor + BigInt(OP));
  throw new Error(
    'this llama.cpp lays out tensors differently from the release that hearth reads; install the node-llama-cpp that package.json names',
  );
}
