// Reads a safetensors header: names, shapes and offsets, without touching the weights.
// Follows the format's MUSTs: offsets inside the file, no overlap, no hole, exact sizes.
// https://github.com/huggingface/safetensors#format
import { isJsonObject, parseBoundedJson } from './bounded-json.js';
import { CheckpointError } from './checkpoint-error.js';
import type { HeaderBudget } from './header-budget.js';
import { showValue } from './show-value.js';
import { readRange, type SourceFile, withSourceFile } from './source-file.js';
import {
  DTYPE_BYTES,
  type Dtype,
  elementCount,
  isCount,
  readShape,
  type TensorSource,
} from './tensor-source.js';

/** 126 layers take 150 KB. */
const MAX_HEADER_BYTES = 8 << 20;
const LENGTH_BYTES = 8;

/** The tensors whose names `keep` takes. Throws {@link CheckpointError}. */
export async function readSafetensors(
  filePath: string,
  keep: (name: string) => boolean,
  budget?: HeaderBudget,
): Promise<Map<string, TensorSource>> {
  return await withSourceFile(filePath, async (file) => {
    const { header, dataStart } = await readHeader(file, budget);
    const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
    const spans = entries.map(([name, entry]) => readSpan(name, entry, file));
    checkLayout(spans, file, dataStart);
    const kept = spans.filter(({ name }) => keep(name));
    return new Map(kept.map((span) => [span.name, toSource(span, file, dataStart)]));
  });
}

/** An entry of the header; offsets are relative to the end of the header. */
type Span = { name: string; dtype: unknown; shape: unknown; begin: number; end: number };

async function readHeader(
  file: SourceFile,
  budget: HeaderBudget | undefined,
): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  const length = Number((await readRange(file, 0, LENGTH_BYTES)).readBigUInt64LE());
  const room = Math.min(MAX_HEADER_BYTES, file.sizeBytes - LENGTH_BYTES);
  if (length > room)
    throw new CheckpointError(
      file.path,
      `its header claims ${length} bytes where at most ${room} are possible; the file is damaged`,
    );
  budget?.spend({ bytes: length });
  const header = parseBoundedJson(await readRange(file, LENGTH_BYTES, length), file.path);
  return { header, dataStart: LENGTH_BYTES + length };
}

function readSpan(name: string, entry: unknown, file: SourceFile): Span {
  const { dtype, shape, data_offsets: offsets } = isJsonObject(entry) ? entry : {};
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  if (!isCount(begin) || !isCount(end) || begin > end)
    throw new CheckpointError(file.path, `${name}: has no valid data_offsets; the file is damaged`);
  return { name, dtype, shape, begin, end };
}

/** Tensors must follow each other and end where the file ends. */
function checkLayout(spans: readonly Span[], file: SourceFile, dataStart: number): void {
  let end = 0;
  for (const span of spans.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (span.begin !== end)
      throw new CheckpointError(
        file.path,
        `${span.name}: begins at byte ${span.begin} of the data, expected ${end}; the file is damaged`,
      );
    end = span.end;
  }
  if (dataStart + end !== file.sizeBytes)
    throw new CheckpointError(
      file.path,
      `has ${file.sizeBytes} bytes, expected ${dataStart + end}; it is truncated: copy or download it again`,
    );
}

function toSource(span: Span, file: SourceFile, dataStart: number): TensorSource {
  const { name, dtype, begin, end } = span;
  if (!isDtype(dtype))
    throw new CheckpointError(
      file.path,
      `${name}: is ${showValue(dtype)}, expected F32, F16 or BF16; save the model again in half precision`,
    );
  const shape = readShape(span.shape, name, file.path);
  const sizeBytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (end - begin !== sizeBytes)
    throw new CheckpointError(
      file.path,
      `${name}: has ${end - begin} bytes, expected ${sizeBytes} for its shape; the file is damaged`,
    );
  return { name, dtype, shape, filePath: file.path, offsetBytes: dataStart + begin, sizeBytes };
}

function isDtype(dtype: unknown): dtype is Dtype {
  return typeof dtype === 'string' && Object.hasOwn(DTYPE_BYTES, dtype);
}
