// The weights in each pool, tensor by tensor, as llama.cpp allocates them.
// Three things make it more than the file's size: alignment, a tied embedding that the GPU needs a
// copy of, and a mapped file beside weights that were repacked. Compute buffers are not counted.
import { readFileSync } from 'node:fs';
import type { AnyGgmlType } from '../../llama/ggml-types.js';
import { roundUp } from '../../model/round-up.js';
import type { SizedModel, WeightTensor } from '../../model/shape/sized-model.js';
import { allocatedBytes, poolOfLayer } from './buffers.js';
import type { MemorySettings, Pool } from './memory-prediction.js';

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
  const orderOf = (use: Placed) => (backend === 'cpu' ? orderOfUse(use, features) : 'plain');
  const inOrder = (order: Order) =>
    new Set(placed.filter((use) => orderOf(use) === order).map(({ tensor }) => tensor));
  const plain = inOrder('plain');
  const plainBytes = mmap ? mappedBytes(model, plain) : sumAllocated('cpu', plain);
  const pinned = backend === 'vulkan' && !mmap && plain.size > 0 ? VULKAN_PINNED_BYTES : 0;
  return (
    plainBytes + pinned + sumAllocated('cpu', inOrder('rows')) + sumTiles(inOrder('tiles').values())
  );
}

/** What Vulkan adds to memory that it pins, to align it. */
const VULKAN_PINNED_BYTES = 32;

/** As in the file, several rows interleaved, or in the tiles of AMX. */
type Order = 'plain' | 'rows' | 'tiles';

/** A matrix that is multiplied with may be in another order; the token embedding as input is only looked up. */
function orderOfUse({ tensor, isOutput }: Placed, features: ReadonlySet<CpuFeature>): Order {
  const isLookup = tensor.name === 'token_embd.weight' && !isOutput;
  const [nPerRow, nRows] = tensor.shape;
  if (isLookup || nPerRow === undefined || nRows === undefined) return 'plain';
  if (features.has('amx') && isTiled(tensor.type, nPerRow, nRows)) return 'tiles';
  return isRepacked(tensor.type, nRows, features) ? 'rows' : 'plain';
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

/**
 * What the CPU can do, of what decides which weights its backend keeps in another order, for kernels that
 * take several rows at once. Source: ggml_repack_get_optimal_repack_type in ggml/src/ggml-cpu/repack.cpp.
 */
type CpuFeature = 'avx2' | 'avx512' | 'amx' | 'dotprod' | 'i8mm';

/** By feature, the rows that are taken at once for each type. */
const ROWS: Readonly<Record<CpuFeature, Partial<Record<AnyGgmlType, number>>>> = {
  amx: {},
  avx2: { Q4_0: 8, Q4_K: 8, IQ4_NL: 8, MXFP4: 8 },
  avx512: { Q2_K: 8 },
  dotprod: { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, IQ4_NL: 4, MXFP4: 4, Q8_0: 4 },
  i8mm: { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, Q8_0: 4 },
};

/** Whether a matrix of `nRows` rows is repacked. */
function isRepacked(type: AnyGgmlType, nRows: number, features: ReadonlySet<CpuFeature>): boolean {
  return [...features].some((feature) => {
    const rows = ROWS[feature][type];
    return rows !== undefined && nRows % rows === 0;
  });
}

/** Weights along a row that AMX takes at once, and what it adds to each so many; F16 stays as it is. */
const TILES: Partial<Record<AnyGgmlType, { nPerRow: number; addedBytes: number }>> = {
  Q4_0: { nPerRow: 32, addedBytes: 0 },
  Q4_1: { nPerRow: 32, addedBytes: 0 },
  Q8_0: { nPerRow: 32, addedBytes: 4 },
  Q4_K: { nPerRow: 256, addedBytes: 4 },
  Q5_K: { nPerRow: 256, addedBytes: 4 },
  Q6_K: { nPerRow: 256, addedBytes: 0 },
  IQ4_XS: { nPerRow: 256, addedBytes: 2 },
  F16: { nPerRow: 16, addedBytes: 0 },
};

const TILE_ROWS = 32;

/** Source: supports_op in ggml/src/ggml-cpu/amx/amx.cpp. */
function isTiled(type: AnyGgmlType, nPerRow: number, nRows: number): boolean {
  const tile = TILES[type];
  return tile !== undefined && nRows % TILE_ROWS === 0 && nPerRow % tile.nPerRow === 0;
}

/** Source: get_row_size in ggml/src/ggml-cpu/amx/mmq.cpp. */
function sumTiles(tensors: Iterable<WeightTensor>): number {
  let sum = 0;
  for (const { type, shape, sizeBytes } of tensors) {
    const { nPerRow, addedBytes } = TILES[type] ?? { nPerRow: 1, addedBytes: 0 };
    const nTiles = shape.reduce((product, size) => product * size, 1) / nPerRow;
    sum += allocatedBytes('cpu', {
      ...{ type, nPerRow: shape[0] ?? 0 },
      sizeBytes: sizeBytes + nTiles * addedBytes,
    });
  }
  return sum;
}

/** As the kernel lists them: x86's flags, or ARM's. */
const FLAGS: Readonly<Record<string, CpuFeature>> = {
  avx2: 'avx2',
  avx512f: 'avx512',
  amx_int8: 'amx',
  asimddp: 'dotprod',
  i8mm: 'i8mm',
};

let found: ReadonlySet<CpuFeature> | undefined;

/** This machine's. Where the system does not list them, what its architecture mostly has. */
function cpuFeatures(): ReadonlySet<CpuFeature> {
  found ??= readFeatures();
  return found;
}

function readFeatures(): ReadonlySet<CpuFeature> {
  try {
    const text = readFileSync('/proc/cpuinfo', 'latin1');
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
    return new Set(flags.flatMap((flag) => FLAGS[flag] ?? []));
  } catch {
    return new Set(process.arch === 'arm64' ? ['dotprod', 'i8mm'] : ['avx2']);
  }
}
