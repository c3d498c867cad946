// Finds where the tensor of a pickled record lies: storage, offset, size and strides.
// Only float tensors whose rows lie one after the other are taken; others are refused by name.
// Checks every number against the storage's bytes in the archive; reads no weights.
import { CheckpointError } from '../checkpoint-error.js';
import { PersistentId, PickleGlobal, PickleObject, type PickleValue } from '../pickle/value.js';
import {
  DTYPE_BYTES,
  type Dtype,
  elementCount,
  formatShape,
  isCount,
  readShape,
  type TensorSource,
} from '../tensor-source.js';
import type { TorchArchive } from './torch-archive.js';

/** Which argument of torch's rebuild functions holds the tensor itself. */
const WRAPPERS = new Set([
  'torch._utils._rebuild_parameter',
  // param_mix and param_second leave acc_grad in this one's state, which is not read.
  'torch._utils._rebuild_parameter_with_state',
]);
const TENSORS = new Set(['torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_tensor']);
const SUBCLASS = 'torch._tensor._rebuild_from_type_v2';

const STORAGE_DTYPES: Readonly<Record<string, Dtype>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
};

/** Whether `value` is a pickled tensor of any kind, readable or not. */
export function isTensorRecord(value: PickleValue | undefined): value is PickleObject {
  return value instanceof PickleObject && /^_rebuild_\w+$/.test(value.made.name);
}

/** The source of the tensor `name`. Throws {@link CheckpointError} when it cannot be read. */
export function locateTensor(
  name: string,
  record: PickleObject,
  archive: TorchArchive,
): TensorSource {
  const fail = (problem: string): never => {
    throw new CheckpointError(archive.filePath, `${name}: ${problem}`);
  };
  const [storage, offset, size, stride] = tensorArguments(record, fail);
  const shape = readShape(size, name, archive.filePath);
  const { dtype, entry, elements } = locateStorage(storage, archive, fail);
  if (!isCount(offset) || offset + elementCount(shape) > elements)
    fail(`needs more than the ${elements} elements of its storage; the file is damaged`);
  if (!isContiguous(shape, stride))
    fail(
      `${formatShape(shape)} is stored with gaps or transposed; save it again after tensor.contiguous()`,
    );
  const bytes = DTYPE_BYTES[dtype];
  return {
    name,
    dtype,
    shape,
    filePath: archive.filePath,
    offsetBytes: entry.offsetBytes + (offset as number) * bytes,
    sizeBytes: elementCount(shape) * bytes,
  };
}

type Fail = (problem: string) => never;

/** `(storage, offset, size, stride, ...)` behind any number of wrappers. */
function tensorArguments(record: PickleValue | undefined, fail: Fail): PickleValue[] {
  if (!(record instanceof PickleObject)) return fail('is no tensor; the file is damaged');
  const called = record.made.qualifiedName;
  if (TENSORS.has(called)) return record.args;
  if (WRAPPERS.has(called)) return unwrapped(record.args[0], fail);
  const [rebuild, , args] = record.args;
  if (called === SUBCLASS && rebuild instanceof PickleGlobal && Array.isArray(args))
    return unwrapped(new PickleObject(rebuild, args), fail);
  return fail(
    `is a ${called}, expected a plain tensor; convert the model to half precision and save it again`,
  );
}

/** A wrapper holds a tensor, never another wrapper: so a hostile chain of them ends here. */
function unwrapped(record: PickleValue | undefined, fail: Fail): PickleValue[] {
  const plain = record instanceof PickleObject && TENSORS.has(record.made.qualifiedName);
  return plain ? record.args : fail('is a parameter without a plain tensor');
}

type Storage = {
  dtype: Dtype;
  entry: { offsetBytes: number; sizeBytes: number };
  elements: number;
};

/** `('storage', torch.HalfStorage, key, device, elements)` */
function locateStorage(
  reference: PickleValue | undefined,
  { storages }: TorchArchive,
  fail: Fail,
): Storage {
  const id = reference instanceof PersistentId && Array.isArray(reference.id) ? reference.id : [];
  const [tag, type, key, , elements] = id;
  const known = tag === 'storage' && type instanceof PickleGlobal && typeof key === 'string';
  if (!known || !isCount(elements)) return fail('its storage is not one that torch writes');
  const dtype = STORAGE_DTYPES[type.name];
  if (!dtype || type.module !== 'torch')
    return fail(
      `is a ${type.qualifiedName}, expected float32, float16 or bfloat16; save the model again in half precision`,
    );
  const entry = storages.get(key);
  if (!entry) return fail(`its storage data/${key} is not in the archive; the file is damaged`);
  const promisedBytes = elements * DTYPE_BYTES[dtype];
  if (entry.sizeBytes < promisedBytes)
    return fail(
      `its storage data/${key} has ${entry.sizeBytes} bytes, expected ${promisedBytes}; the file is damaged`,
    );
  return { dtype, entry, elements };
}

/** Strides of dimensions of size one say nothing, and of an empty tensor none do. */
function isContiguous(shape: readonly number[], stride: PickleValue | undefined): boolean {
  if (!Array.isArray(stride) || stride.length !== shape.length) return false;
  if (elementCount(shape) === 0) return true;
  let expected = 1;
  return shape.toReversed().every((size, i) => {
    const matches = size === 1 || stride.at(-1 - i) === expected;
    expected *= size;
    return matches;
  });
}
