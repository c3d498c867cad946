// The header of a GGUF that has a model's shape and tensors and nothing else: what llama.cpp needs to
// plan memory. Without the vocabulary it is a few KB and read in a millisecond.
import { type HeaderTensor, layOutGguf } from '../../../model/gguf/gguf-header.js';
import { type GgufMetadata, stringEntry, uint32Entry } from '../../../model/gguf/gguf-metadata.js';
import type { SizedModel } from '../../../model/shape/sized-model.js';

/**
 * With `hasTypes` false, all matrices are of one type: what a context takes on the CPU depends on widths alone,
 * and many files of the same widths are then one.
 */
export function dryRunHeader(
  { shape, tensors }: SizedModel,
  { hasTypes }: { hasTypes: boolean },
): Buffer {
  const { arch } = shape;
  const perLayer = (widths: number[]) =>
    arch === 'llama'
      ? uint32Entry(widths[0] as number)
      : ({ type: 'ARRAY', of: 'INT32', value: widths } as const);
  const metadata: GgufMetadata = {
    'general.architecture': stringEntry(arch),
    [`${arch}.block_count`]: uint32Entry(shape.nLayer),
    [`${arch}.context_length`]: uint32Entry(shape.nCtxTrain),
    [`${arch}.embedding_length`]: uint32Entry(shape.nEmbd),
    [`${arch}.feed_forward_length`]: perLayer(shape.nFf),
    [`${arch}.attention.head_count`]: perLayer(shape.nHead),
    [`${arch}.attention.head_count_kv`]: perLayer(shape.nHeadKv),
    [`${arch}.attention.key_length`]: uint32Entry(shape.headSize),
    [`${arch}.attention.value_length`]: uint32Entry(shape.headSize),
    [`${arch}.attention.layer_norm_rms_epsilon`]: { type: 'FLOAT32', value: 1e-5 },
    [`${arch}.rope.dimension_count`]: uint32Entry(shape.headSize),
    [`${arch}.vocab_size`]: uint32Entry(shape.nVocab),
    'tokenizer.ggml.model': stringEntry('no_vocab'),
  };
  const typed = tensors.map(headerTensor);
  return layOutGguf(metadata, hasTypes ? typed : typed.map(withoutType)).header;
}

function headerTensor({
  name,
  type,
  shape,
  sizeBytes,
}: SizedModel['tensors'][number]): HeaderTensor {
  const [nCols = 1, nRows = 1] = shape;
  const nDims = shape.length > 1 ? 2 : 1;
  return { name, type, nCols, nRows, nDims, sizeBytes };
}

/** Norms are F32 in any file. */
function withoutType(tensor: HeaderTensor): HeaderTensor {
  if (tensor.nDims === 1) return tensor;
  return { ...tensor, type: 'F16', sizeBytes: 2 * tensor.nCols * tensor.nRows };
}
