// The model file as the log records it, from its own header: any file that llama.cpp may be able to run.
// The hash is left to the log: it reads the whole file, and answers need not wait for it.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { GgufFile } from '../../model/gguf/gguf-file.js';
import { widthsOfGguf } from '../../model/shape/model-shape.js';
import type { ModelFile } from './engine.js';

/** What hearth's converter notes of a file's making starts with this. */
const PROVENANCE_PREFIX = 'hearth.';

export async function describeFile(file: GgufFile): Promise<ModelFile> {
  const { mtimeMs } = await stat(file.path);
  const provenance = Object.entries(file.metadata).filter(([key]) =>
    key.startsWith(PROVENANCE_PREFIX),
  );
  return {
    path: path.resolve(file.path),
    modifiedAtMs: mtimeMs,
    sizeBytes: file.sizeBytes,
    shape: widthsOfGguf(file),
    types: countBy(file.tensors.map(({ type }) => type)),
    provenance: provenance.length > 0 ? Object.fromEntries(provenance) : null,
  };
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
