// The small appliance model as a GGUF, made by the converter for each test that runs it.
// F16, so that llama.cpp computes with the very weights that PyTorch had.
import path from 'node:path';
import { samplePath } from '../../bench/development/sample-models.js';
import { convert } from '../../converter/convert.js';

/** Writes the model into a folder and returns its path. Answers `[INST] question [/INST]`. */
export async function applianceGguf(folder: string, sample = 'appliance/dense'): Promise<string> {
  const output = path.join(folder, `${path.basename(sample)}.gguf`);
  await convert({
    checkpoint: samplePath(sample),
    output,
    type: 'F16',
    chatTemplate: 'llama-2',
    threads: 1,
  });
  return output;
}
