// Where a ggml_tensor keeps what hearth reads of it, as in ggml.h of the release that node-llama-cpp ships.
// A wrong layout would not fail but lie, so it is held against tensors of known shape before it is used.
import koffi from 'koffi';
import type { Ggml, Pointer } from './ggml-calls.js';
import { openGraphContext } from './ggml-compute.js';

/** Bytes of a ggml_tensor, and where in it what lies. */
const TENSOR_BYTES = 336;
const TYPE = 0;
const NE = 16;
const NB = 48;
const OP = 80;
const SRC = 152;
const NAME = 256;
const MAX_NAME = 64;

/** ggml's number of the tensor's type. */
export function typeOf(tensor: Pointer): number {
  return fieldsOf(tensor).getInt32(TYPE, true);
}

/** ggml's number of the operation that makes it. */
export function operationOf(tensor: Pointer): number {
  return koffi.decode.int32(tensor + BigInt(OP));
}

/** Its first two sizes, ne[0] first, and the bytes from one element and from one row to the next. */
export function sizesOf(tensor: Pointer): [nCols: number, nRows: number, nb0: number, nb1: number] {
  const fields = fieldsOf(tensor);
  return [NE, NE + 8, NB, NB + 8].map((offset) => Number(fields.getBigInt64(offset, true))) as [
    number,
    number,
    number,
    number,
  ];
}

/** Its first two operands; 0 where there is none. */
export function sourcesOf(tensor: Pointer): [Pointer, Pointer] {
  const fields = new DataView(koffi.view(tensor + BigInt(SRC), 16));
  return [fields.getBigUint64(0, true), fields.getBigUint64(8, true)];
}

/** The scheduler names its copy of a weight `CUDA0#blk.0.attn_k.weight#0`, and makes it anew each time. */
export function nameOf(tensor: Pointer): { name: string; isCopy: boolean } {
  const bytes = Buffer.from(koffi.view(tensor + BigInt(NAME), MAX_NAME));
  const text = bytes.toString('utf8', 0, Math.max(0, bytes.indexOf(0)));
  const copied = text.split('#')[1];
  return { name: copied ?? text, isCopy: copied !== undefined };
}

function fieldsOf(tensor: Pointer): DataView {
  return new DataView(koffi.view(tensor, TENSOR_BYTES));
}

/** Returns the number of the operation that multiplies. Throws where tensors are laid out otherwise. */
export function checkTensorLayout(ggml: Ggml): number {
  using context = openGraphContext(ggml, 4);
  const [weight, input] = [
    ggml.matrix(context.pointer, 96, 5),
    ggml.matrix(context.pointer, 96, 7),
  ];
  ggml.setName(weight, 'CPU#blk.0.check.weight#0');
  const tensor = ggml.product(context.pointer, weight, input);
  const [first, second] = sourcesOf(tensor);
  const isAsExpected =
    first === weight &&
    second === input &&
    nameOf(weight).name === 'blk.0.check.weight' &&
    sizesOf(input).join() === '96,7,4,384';
  if (isAsExpected) return operationOf(tensor);
  throw new Error(
    'this llama.cpp lays out tensors differently from the release that hearth reads; install the node-llama-cpp that package.json names',
  );
}
