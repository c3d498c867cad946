// The model file as the log records it, from its own header.
// The hash is left to the caller: it reads the whole file, and answers need not wait for it.
// It loads nothing.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readGgufFile } from '../devices/gguf-file.js';
import { shapeOfGguf } from '../devices/model-shape.js';
import type { ModelRow } from './log/index.js';

/** What hearth's converter notes of a file's making starts with this. */
const PROVENANCE_PREFIX = 'hearth.';

/** Throws GgufFileError for a file that is no whole Llama-shaped GGUF. */
export async function describeModel(modelPath: string): Promise<ModelRow> {
  const file = await readGgufFile(path.resolve(modelPath));
  const { mtimeMs } = await stat(file.path);
  const provenance = Object.entries(file.metadata).filter(([key]) =>
    key.startsWith(PROVENANCE_PREFIX),
  );
  return {
    sha256: null,
    path: file.path,
    modifiedAtMs: mtimeMs,
    sizeBytes: file.sizeBytes,
    shape: shapeOfGguf(file),
    types: countBy(file.tensors.map(({ type }) => type)),
    provenance: provenance.length > 0 ? Object.fromEntries(provenance) : null,
  };
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
