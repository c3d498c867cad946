// What llama.cpp itself counts for a context, to the byte: weights, KV cache and compute buffers, in
// the system's memory and on GPUs. Its only interface for this returns a std::map, which is read here
// node by node as libstdc++ lays it out: on Linux alone; elsewhere nothing is told.
import koffi, { type LibraryHandle } from 'koffi';
import { GPU_DEVICE_TYPES } from './structs.js';

export type PoolBytes = { weightsBytes: number; kvBytes: number; computeBytes: number };
export type MemoryBreakdown = { host: PoolBytes; device: PoolBytes };

/** A std::map: its comparison, then the head of the tree, then how many nodes there are. */
koffi.struct('hearth_std_map', {
  compare: 'uint64_t',
  color: 'uint64_t',
  root: 'void *',
  leftmost: 'void *',
  rightmost: 'void *',
  size: 'size_t',
});

/** A node: by buffer type, bytes of the model, of the context's cache and of its compute buffers. */
const NODE = koffi.struct('hearth_breakdown_node', {
  color: 'uint64_t',
  parent: 'void *',
  left: 'void *',
  right: 'void *',
  bufferType: 'void *',
  model: 'size_t',
  context: 'size_t',
  compute: 'size_t',
});

type Node = {
  left: unknown;
  right: unknown;
  bufferType: unknown;
  model: number | bigint;
  context: number | bigint;
  compute: number | bigint;
};

/** llama_get_memory_breakdown(llama_context const *), as C++ compilers spell it on Linux. */
const BREAKDOWN = '_Z26llama_get_memory_breakdownPK13llama_context';

/** More buffer types than any machine has: what was read is then no such map. */
const MAX_NODES = 64;

/** Reads the breakdown of a `llama_context *`; null where that cannot be done. */
export type ReadBreakdown = (context: unknown) => MemoryBreakdown | null;

/** `library` is libllama, through which libggml-base's functions are found as well. */
export function bindBreakdown(library: LibraryHandle): ReadBreakdown {
  if (process.platform !== 'linux') return () => null;
  const breakdown = library.func(`hearth_std_map ${BREAKDOWN}(void *context)`);
  const isOnGpu = bindIsOnGpu(library);
  return (context) => {
    const { root, size } = breakdown(context) as { root: unknown; size: number | bigint };
    if (Number(size) > MAX_NODES) return null;
    const total: MemoryBreakdown = { host: noBytes(), device: noBytes() };
    for (const node of nodes(root)) add(isOnGpu(node.bufferType) ? total.device : total.host, node);
    return total;
  };
}

/** As node-llama-cpp tells pools apart. */
function bindIsOnGpu(library: LibraryHandle): (bufferType: unknown) => boolean {
  const isHost = library.func('bool ggml_backend_buft_is_host(void *type)');
  const deviceOf = library.func('void *ggml_backend_buft_get_device(void *type)');
  const typeOf = library.func('int ggml_backend_dev_type(void *device)');
  return (bufferType) => {
    if (isHost(bufferType)) return false;
    const device: unknown = deviceOf(bufferType);
    return device !== null && GPU_DEVICE_TYPES.includes(typeOf(device));
  };
}

function* nodes(pointer: unknown): Generator<Node> {
  if (pointer === null) return;
  const node = koffi.decode(pointer, NODE) as Node;
  yield* nodes(node.left);
  yield node;
  yield* nodes(node.right);
}

function noBytes(): PoolBytes {
  return { weightsBytes: 0, kvBytes: 0, computeBytes: 0 };
}

function add(pool: PoolBytes, { model, context, compute }: Node): void {
  pool.weightsBytes += Number(model);
  pool.kvBytes += Number(context);
  pool.computeBytes += Number(compute);
}
