// The real LLM-Pruner outputs of the repository, which tests and benches run on: where each lies, and
// what a user passes to convert it. From a checkout alone; the package does not hold them all.
// Describes nothing of them; the description beside each does.
import path from 'node:path';
import type { FileType } from '../../model/types/mixtures.js';
import { PACKAGE_ROOT, unpackedFixtures } from './packed-fixtures.js';

const DEMO_CHECKPOINT = path.join(PACKAGE_ROOT, 'converter/demo/appliance-pruned-20');

export const APPLIANCES = [
  'appliance/dense',
  'appliance/pruned-20',
  'appliance/pruned-35',
  'appliance/pruned-50',
] as const;

export const FORMATS = [
  'formats/f_channel',
  'formats/f_fast',
  'formats/f_global',
  'formats/f_gqa',
  'formats/f_layer',
  'formats/f_mix',
  'formats/f_old',
  'formats/f_tied',
] as const;

/** Pruned by others' tools: fixtures/pruners/make.py. */
export const PRUNERS = [
  'pruners/flap',
  'pruners/flap-folder',
  'pruners/torch-pruning',
  'pruners/per-layer-config',
  'pruners/puzzletron',
  'pruners/nemotron-nas',
  'pruners/decilm',
] as const;

/** The checkpoint folder of a sample such as `appliance/pruned-20` or `formats/f_gqa`. */
export function samplePath(name: string): string {
  return name === 'appliance/pruned-20' ? DEMO_CHECKPOINT : path.join(unpackedFixtures(), name);
}

/** Some hold no vocabulary, so they take the one that their user would pass. */
export function sampleOptions(name: string): { checkpoint: string; tokenizer?: string } {
  const checkpoint = samplePath(name);
  if (name === 'formats/f_old') return { checkpoint, tokenizer: path.join(checkpoint, 'given') };
  if (name.startsWith('pruners/'))
    return { checkpoint, tokenizer: samplePath('shapes/hf-linear-rope') };
  return { checkpoint };
}

/** Converts a sample into `folder`; the path of the GGUF. */
export async function convertedSample(
  folder: string,
  name: string,
  type: FileType = 'Q4_K_M',
): Promise<string> {
  // Those who only ask where a sample lies need no converter.
  const { convert } = await import('../../converter/convert.js');
  const output = path.join(folder, `${path.basename(name)}-${type}.gguf`);
  const chat = name.startsWith('appliance/') ? ({ chatTemplate: 'llama-2' } as const) : {};
  await convert({ ...sampleOptions(name), ...chat, type, output, threads: 1, force: true });
  return output;
}
