// What goes into a model's products while llama.cpp computes them: its cb_eval, through which its
// scheduler asks before each node of a graph whether somebody wants to see it, and shows it after.
// Judges nothing about what it reads.
import koffi from 'koffi';
import { type Ggml, loadGgml, type Pointer } from './ggml-calls.js';
import type { LlamaLibraries } from './model-settings.js';
import {
  checkTensorLayout,
  nameOf,
  operationOf,
  sizesOf,
  sourcesOf,
  typeOf,
} from './tensor-layout.js';

/** ggml.h's GGML_TYPE_F32. */
const F32 = 0;

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

function readInput(
  ggml: Ggml,
  tensor: Pointer,
  product: number,
  names: Map<Pointer, string>,
): WeightInput | null {
  if (operationOf(tensor) !== product) return null;
  const [weightTensor, input] = sourcesOf(tensor);
  const weight = knownName(weightTensor, names);
  if (!weight.endsWith('.weight')) return null;
  if (typeOf(input) !== F32) return null;
  const [nCols, nRows, nb0, nb1] = sizesOf(input);
  if (nb0 !== 4 || nb1 !== 4 * nCols)
    throw new Error(`the input of ${weight} does not lie row after row`);
  const read = (target: Float32Array) => ggml.getData(input, target, 0, 4 * nCols * nRows);
  return { weight, id: input, nCols, nRows, read };
}

/** Names are looked up for each node: a weight of the model stays where it is, a copy's place is taken again. */
function knownName(tensor: Pointer, names: Map<Pointer, string>): string {
  const known = names.get(tensor);
  if (known !== undefined) return known;
  const { name, isCopy } = nameOf(tensor);
  if (!isCopy && name.endsWith('.weight')) names.set(tensor, name);
  return name;
}
