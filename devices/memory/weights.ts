// The weights in each pool, tensor by tensor, as llama.cpp allocates them.
// Three things make it more than the file's size: alignment, a tied embedding that the GPU needs a
// copy of, and a mapped file beside weights that were repacked. Compute buffers are not counted.
import type { SizedModel, WeightTensor } from '../../model/shape/sized-model.js';
import { allocatedBytes, poolOfLayer, roundUp } from './buffers.js';
import type { MemorySettings, Pool } from './memory-prediction.js';
import { type CpuFeature, cpuFeatures, isRepacked } from './repack.js';

type WeightOptions = Pick<MemorySettings, 'backend'> & {
  gpuLayers: number;
  mmap: boolean;
  features?: ReadonlySet<CpuFeature>;
};

/** Bytes of weights in each pool. */
export function weightBytes(model: SizedModel, options: WeightOptions): Record<Pool, number> {
  const placed = placeTensors(model, options.gpuLayers);
  const onDevice = placed.filter(({ pool }) => pool === 'device').map(({ tensor }) => tensor);
  const onHost = placed.filter(({ pool }) => pool === 'host');
  return {
    device: sumAllocated(options.backend, new Set(onDevice)),
    host: hostBytes(model, onHost, options),
  };
}

type Placed = { tensor: WeightTensor; pool: Pool; isOutput: boolean };

/** Every use of a tensor: one that is used in both pools, or as input and as output, is there twice. */
function placeTensors({ shape, tensors }: SizedModel, gpuLayers: number): Placed[] {
  const poolOf = (layer: number) => poolOfLayer(shape.nLayer, gpuLayers, layer);
  const output = poolOf(shape.nLayer);
  return tensors.flatMap((tensor): Placed[] => {
    const layer = /^blk\.(\d+)\./.exec(tensor.name)?.[1];
    if (layer !== undefined) return [{ tensor, pool: poolOf(Number(layer)), isOutput: false }];
    if (tensor.name === 'token_embd.weight')
      return [
        { tensor, pool: 'host', isOutput: false },
        ...(shape.tiedEmbeddings ? [{ tensor, pool: output, isOutput: true }] : []),
      ];
    if (tensor.name === 'rope_freqs.weight') {
      const pools = new Set(shape.nHead.map((_, i) => poolOf(i)));
      return [...pools].map((pool) => ({ tensor, pool, isOutput: false }));
    }
    return [{ tensor, pool: output, isOutput: true }];
  });
}

function sumAllocated(backend: MemorySettings['backend'], tensors: Iterable<WeightTensor>): number {
  let sum = 0;
  for (const { type, shape, sizeBytes } of tensors)
    sum += allocatedBytes(backend, { type, nPerRow: shape[0] ?? 0, sizeBytes });
  return sum;
}

function hostBytes(model: SizedModel, placed: Placed[], options: WeightOptions): number {
  const { backend, mmap, features = cpuFeatures() } = options;
  // Beside a GPU, llama.cpp wants weights that the GPU can fetch, and repacks none.
  const isApart = (use: Placed) => backend === 'cpu' && isRepackedUse(use, features);
  const repacked = new Set(placed.filter(isApart).map(({ tensor }) => tensor));
  const plain = new Set(placed.filter((use) => !isApart(use)).map(({ tensor }) => tensor));
  const plainBytes = mmap ? mappedBytes(model, plain) : sumAllocated('cpu', plain);
  const pinned = backend === 'vulkan' && !mmap && plain.size > 0 ? VULKAN_PINNED_BYTES : 0;
  return plainBytes + pinned + sumAllocated('cpu', repacked);
}

/** What Vulkan adds to memory that it pins, to align it. */
const VULKAN_PINNED_BYTES = 32;

/** A matrix that is multiplied with; the token embedding as input is only looked up. */
function isRepackedUse({ tensor, isOutput }: Placed, features: ReadonlySet<CpuFeature>): boolean {
  const isLookup = tensor.name === 'token_embd.weight' && !isOutput;
  const [, nRows] = tensor.shape;
  return !isLookup && nRows !== undefined && isRepacked(tensor.type, nRows, features);
}

/** A mapping spans the file from the first of these tensors to the last, with what lies between. */
function mappedBytes({ tensors }: SizedModel, wanted: ReadonlySet<WeightTensor>): number {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  let end = 0;
  for (const tensor of tensors) {
    const start = roundUp(end, FILE_ALIGNMENT);
    end = start + tensor.sizeBytes;
    if (!wanted.has(tensor)) continue;
    first = Math.min(first, start);
    last = end;
  }
  return Math.max(0, last - first);
}

const FILE_ALIGNMENT = 32;
