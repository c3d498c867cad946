// Samples as GGUF files, made once a test file by the converter that is tested.
// In a folder of tap's that goes away with the test; every call names its own file.
// f_old's pickle holds no vocabulary, so it is converted with the one that its user would pass.
import path from 'node:path';
import { type ConvertOptions, convert } from '../../converter/index.js';
import { samplePath } from './samples.js';

export const appliance = [
  'appliance/dense',
  'appliance/pruned-20',
  'appliance/pruned-35',
  'appliance/pruned-50',
] as const;

export const formats = [
  'formats/f_channel',
  'formats/f_fast',
  'formats/f_global',
  'formats/f_gqa',
  'formats/f_layer',
  'formats/f_mix',
  'formats/f_old',
  'formats/f_tied',
] as const;

/** What a user passes to convert the sample: its checkpoint, and a tokenizer where it needs one. */
export function sampleOptions(name: string): { checkpoint: string; tokenizer?: string } {
  const checkpoint = samplePath(name);
  if (name !== 'formats/f_old') return { checkpoint };
  return { checkpoint, tokenizer: path.join(checkpoint, 'given') };
}

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
