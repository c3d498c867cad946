// The two models that are served: the appliance one, pruned and tiny, whose tokens take so little
// that every cost of ours shows; and one of 1 GB in the shape of a pruned Llama-2-7B.
// Made once a folder, by the converter.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { convert } from '../../../converter/convert.js';
import { makeSyntheticCheckpoint } from '../synthetic-checkpoint.js';
import type { BenchModel } from './setting.js';

type Making = { folder: string; isQuick: boolean; note: (text: string) => void };

const APPLIANCE = path.resolve(
  import.meta.dirname,
  '../../../../converter/demo/appliance-pruned-20',
);
/** Q4_K_M of so many layers is 1 GB. */
const SYNTHETIC_LAYERS = 10;

/** How well bare node-llama-cpp does with which threads is measured apart. */
export type MadeModel = Omit<BenchModel, 'bareThreads'>;

export async function makeModels({ folder, isQuick, note }: Making): Promise<MadeModel[]> {
  const appliance = path.join(folder, 'appliance.gguf');
  const synthetic = path.join(folder, 'synthetic.gguf');
  if (!existsSync(appliance)) await convert(conversion(APPLIANCE, appliance));
  if (!existsSync(synthetic)) {
    note('making the 1 GB model');
    await makeSynthetic(path.join(folder, 'checkpoint'), synthetic);
  }
  return [
    { name: 'appliance', path: appliance, answerTokens: 256, rounds: isQuick ? 6 : 30 },
    { name: 'synthetic', path: synthetic, answerTokens: 24, rounds: isQuick ? 3 : 12 },
  ];
}

/** A model of some 100 million parameters, as its speed goes. */
export function fileModel(path: string, isQuick: boolean): MadeModel {
  return { name: 'file', path, answerTokens: 96, rounds: isQuick ? 4 : 16 };
}

async function makeSynthetic(checkpoint: string, output: string): Promise<void> {
  await makeSyntheticCheckpoint(checkpoint, { ratio: 20, nLayer: SYNTHETIC_LAYERS });
  await convert(conversion(checkpoint, output));
  await rm(checkpoint, { recursive: true });
}

function conversion(checkpoint: string, output: string) {
  return { checkpoint, output, type: 'Q4_K_M', chatTemplate: 'llama-2' } as const;
}
