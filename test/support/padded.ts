// A model with the widths that a quantised file has, but its weights in float32: to see padding apart from
// quantisation, and for llama.cpp's quantiser to start from the same widths.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type PrepareOptions, prepare } from '../../converter/prepare.js';
import { SourceHashes } from '../../converter/stream/source-hashes.js';
import { streamTensors } from '../../converter/stream/stream-tensors.js';
import { openOutput } from '../../terminal/output-file.js';

/** The file of `options.type` with its padding, but every weight in float32; its path. */
export async function storePadded(folder: string, options: PrepareOptions): Promise<string> {
  const prepared = await prepare(options);
  const { checkpoint, plan } = prepared;
  for (const tensor of plan.tensors)
    Object.assign(tensor, { type: 'F32', sizeBytes: 4 * tensor.nRows * tensor.nCols });
  const { header, offsetsBytes, fileBytes } = prepared.layOut();
  const file = path.join(folder, `padded-${options.type}.gguf`);
  rmSync(file, { force: true });
  const output = await openOutput(file, { sizeBytes: fileBytes, inputs: [] });
  const jobs = plan.tensors.map((tensor, i) => ({
    tensor,
    source: checkpoint.tensors.get(String(tensor.source)) ?? null,
    lora: null,
    importance: null,
    offsetBytes: offsetsBytes[i] as number,
  }));
  await streamTensors(jobs, output.handle.fd, { hashes: new SourceHashes([]), threads: 1 });
  await output.handle.writeFile(header);
  await output.commit();
  return file;
}
