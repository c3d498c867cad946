// Refuses, before llama.cpp sees it, a file on which llama.cpp is known to abort.
// Reading the header in JavaScript costs milliseconds and can only throw.
import { type GgufFile, readGgufFile } from '../../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../../model/shape/model-shape.js';
import { EngineError } from '../engine-error.js';

/** The file's header. Throws {@link EngineError} `load-failed` saying what is wrong with it. */
export async function readHeader(modelPath: string): Promise<GgufFile> {
  return await readGgufFile(modelPath).catch(refuse);
}

/** Throws {@link EngineError} `load-failed` saying why llama.cpp cannot run it. */
export function checkHeader(file: GgufFile): void {
  try {
    checkHeads(file);
    if (['llama', 'deci'].includes(architectureOf(file))) checkLlama(file);
    if (!Array.isArray(file.metadata['tokenizer.ggml.tokens']))
      throw new Error(`${file.path} has no vocabulary; it is not a language model's GGUF`);
  } catch (cause) {
    refuse(cause as Error);
  }
}

function refuse(cause: Error): never {
  const message = `${cause.message}; get the file again, or convert the model anew`;
  throw new EngineError({ code: 'load-failed', message }, { cause });
}

export function architectureOf(file: GgufFile): string {
  return String(file.metadata['general.architecture']);
}

/** For every architecture with attention: llama.cpp divides by these. */
function checkHeads(file: GgufFile): void {
  const arch = architectureOf(file);
  const key = `${arch}.attention.head_count`;
  const heads = [file.metadata[key]].flat();
  const kvHeads = [file.metadata[`${key}_kv`] ?? file.metadata[key]].flat();
  for (let layer = 0; layer < Math.max(heads.length, kvHeads.length); layer++) {
    const nHead = Number(heads[layer] ?? heads[0] ?? 0);
    const nHeadKv = Number(kvHeads[layer] ?? kvHeads[0] ?? 0);
    if (nHeadKv > 0 && nHead % nHeadKv !== 0)
      throw new Error(
        `${file.path}: layer ${layer} has ${nHead} attention heads for ${nHeadKv} key-value heads (${key}, ${key}_kv); expected a multiple`,
      );
  }
}

function checkLlama(file: GgufFile): void {
  const shape = shapeOfGguf(file);
  if (!shape.nHead[0])
    throw new Error(
      `${file.path}: ${shape.arch}.attention.head_count is 0 in layer 0, which llama.cpp cannot run`,
    );
  const layer = shape.nFf.indexOf(0);
  if (layer >= 0)
    throw new Error(
      `${file.path}: ${shape.arch}.feed_forward_length is 0 in layer ${layer}, which llama.cpp cannot run`,
    );
}
