// Samples as GGUF files, made once a test file by the converter that is tested.
// In a folder of tap's that goes away with the test; every call names its own file.
// Which samples there are is bench/development/sample-models.ts's to say.
import path from 'node:path';
import { sampleOptions, samplePath } from '../../bench/development/sample-models.js';
import { type ConvertOptions, convert } from '../../converter/convert.js';

/** Converts a sample into `folder`; the path of the GGUF. */
export async function convertSample(
  folder: string,
  name: string,
  options: Partial<ConvertOptions> & { lora?: string | undefined } = {},
): Promise<string> {
  const type = options.type ?? 'Q4_K_M';
  const merged = options.lora ? '-lora' : '';
  const output = path.join(folder, `${path.basename(name)}${merged}-${type}.gguf`);
  await convert({ ...sampleOptions(name), ...options, type, output, threads: 1 });
  return output;
}

/** The folder of a sample's LoRA. */
export function loraPath(name: string): string {
  return path.join(samplePath(name), 'lora');
}
