// Makes a GGUF say that it was trained for a longer context: the samples' 512 tokens are less than what
// the smallest budget holds, and a verdict is only tried where memory is what limits it.
// Changes one number in place; answers beyond the real length are noise.
import { open } from 'node:fs/promises';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';

/** GGUF's number of the type UINT32, which stands between a key and its value. */
const UINT32 = 4;

/** Throws where the header has no such number. */
export async function raiseContext(modelPath: string, nCtx: number): Promise<void> {
  const { metadata, dataOffset } = await readGgufFile(modelPath);
  const key = `${String(metadata['general.architecture'])}.context_length`;
  await using file = await open(modelPath, 'r+');
  const header = Buffer.alloc(dataOffset);
  await file.read(header, 0, dataOffset, 0);
  const end = header.indexOf(key) + key.length;
  if (end < key.length || header.readUInt32LE(end) !== UINT32)
    throw new Error(`${modelPath} has no ${key} of 32 bits`);
  const value = Buffer.alloc(4);
  value.writeUInt32LE(nCtx);
  await file.write(value, 0, value.length, end + 4);
}
