// npm run make:synthetic: models in the shape of Llama-2-7B, whole or pruned, with random weights: memory
// and speed depend on widths alone, so they can be measured without a 13 GB download.
// Writes one GGUF a ratio and keeps what is there; answers of such a model are noise.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { convert } from '../../converter/convert.js';
import { fileTypesFor } from '../../model/types/mixtures.js';
import { interruptible } from '../../terminal/interruptible.js';
import { makeSyntheticCheckpoint, PRUNED, type PruningRatio } from './synthetic-checkpoint.js';

const RATIOS = Object.keys(PRUNED).map(Number) as PruningRatio[];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: GGUF files in the shape of Llama-2-7B, with random weights')
  .options({
    ratio: { describe: 'Percent pruned', choices: RATIOS, array: true, default: RATIOS },
    layers: { describe: 'Layers, of 32', type: 'number', default: 32 },
    type: {
      describe: 'Type of the weights',
      choices: fileTypesFor({ hasImatrix: false }),
      default: 'Q4_K_M' as const,
    },
    folder: {
      describe: 'Where to (4 GB a model, and 14 GB while one is made)',
      type: 'string',
      default: 'synthetic',
    },
  })
  .strict()
  .parseAsync();

await interruptible(async (signal) => {
  const { folder, ratio: ratios, layers, type } = arguments_;
  await mkdir(folder, { recursive: true });
  for (const ratio of ratios) {
    const output = path.join(folder, `llama-2-7b-pruned-${ratio}-${type}.gguf`);
    if (!existsSync(output))
      await make(path.join(folder, 'checkpoint'), output, ratio, layers, signal);
    process.stdout.write(`${output}\n`);
  }
});

async function make(
  checkpoint: string,
  output: string,
  ratio: PruningRatio,
  nLayer: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await makeSyntheticCheckpoint(checkpoint, { ratio, nLayer });
    await convert({ checkpoint, output, type: arguments_.type, chatTemplate: 'llama-2', signal });
  } finally {
    await rm(checkpoint, { recursive: true, force: true });
  }
}
