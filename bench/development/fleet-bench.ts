// npm run bench:fleet: what a maker of many devices and an office with many people rely on. Answers
// reach a collector once through kills and days without one; replicas behind HAProxy lose no answer
// but those inside the one that was killed.
// One part a file in fleet/; exits with 1 when a bar is missed.
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { convert } from '../../converter/convert.js';
import type { Figure } from './figure.js';
import { measureOtlp } from './fleet/otlp.js';
import { measureReplicas } from './fleet/replicas.js';
import type { FleetSetting } from './fleet/setting.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { samplePath } from './sample-models.js';

const PARTS = { otlp: measureOtlp, replicas: measureReplicas } satisfies Record<
  string,
  (setting: FleetSetting) => Promise<Figure[]>
>;
type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: telemetry through kills, and replicas behind HAProxy')
  .options({
    only: { describe: 'Measure these parts', choices: PART_NAMES, array: true },
    quick: { describe: 'A tenth of the answers', type: 'boolean', default: false },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) =>
  reportFigures(await measure(folder, signal), {
    json: arguments_.json,
    setting: { quick: arguments_.quick },
  }),
);

async function measure(folder: string, signal: AbortSignal): Promise<Figure[]> {
  const modelPath = path.join(folder, 'appliance.gguf');
  const checkpoint = samplePath('appliance/dense');
  await convert({ checkpoint, output: modelPath, type: 'F16', chatTemplate: 'llama-2' });
  const figures: Figure[] = [];
  for (const part of arguments_.only ?? PART_NAMES) {
    const note = (text: string) => void process.stderr.write(`${part}: ${text}\n`);
    const setting = { modelPath, folder, isQuick: arguments_.quick, signal, note };
    figures.push(...(await PARTS[part](setting)));
  }
  return figures;
}
