// The small appliance model as a GGUF, made by the converter: once for all test files that npm test runs, which
// tells by TEST_SHARED where it may lie, or else by each that asks. Every test has a copy of its own.
// F16, so that llama.cpp computes with the very weights that PyTorch had.
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { samplePath } from '../../bench/development/sample-models.js';

/** Writes the model into a folder and returns its path. Answers `[INST] question [/INST]`. */
export async function applianceGguf(folder: string, sample = 'appliance/dense'): Promise<string> {
  const name = `${path.basename(sample)}.gguf`;
  const output = path.join(folder, name);
  const { TEST_SHARED: sharedFolder } = process.env;
  if (sharedFolder === undefined) return await make(sample, output);
  const shared = path.join(sharedFolder, name);
  if (!existsSync(shared)) {
    // Two at once make it twice, and the same.
    renameSync(await make(sample, `${shared}.${process.pid}`), shared);
  }
  copyFileSync(shared, output);
  return output;
}

async function make(sample: string, output: string): Promise<string> {
  // Most test files find it made, and the converter takes longer to load than to convert.
  const { convert } = await import('../../converter/convert.js');
  const options = { type: 'F16', chatTemplate: 'llama-2', threads: 1 } as const;
  await convert({ checkpoint: samplePath(sample), output, ...options });
  return output;
}
