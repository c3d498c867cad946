// Greedy answers over HTTP on both processors: the same words, and log probabilities that differ by rounding only.
// llama.cpp has other kernels for each: sums of products are made in another order, and activations of a quantised
// model are rounded in between, so the numbers may differ in their last bits, and where two tokens are as likely,
// the words might.
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { convertedSample } from '../../bench/development/sample-models.js';
import type { FileType } from '../../model/types/mixtures.js';
import { type Answer, ask, type ServerOptions, serve } from './server.js';
import { type Arm64Setting, MODEL } from './setting.js';

/** What the model has learnt. Of what it has not, any word is as likely as the next, and rounding chooses. */
const QUESTIONS = [
  'Please tell me what E17 means on a clothes dryer.',
  'What does error E24 on a dishwasher mean?',
  'Please tell me the three important points to consider when creating an Android application',
];
/** Beside the F16 of the bundle: 8-bit blocks, those that arm64 reorders when it loads them, K-quants. */
const TYPES = ['Q8_0', 'Q4_0', 'Q4_K_M'] as const satisfies readonly FileType[];
/** Nats; more is another computation, not another order of it. */
const MAX_DIFFERENCE = 0.01;
/** Older than the default, without its products of 8-bit numbers; and all that QEMU knows, vectors of any length. */
const OTHER_CPUS = ['cortex-a72', 'max'];

export async function checkEngine(setting: Arm64Setting): Promise<void> {
  const { system, folder, check } = setting;
  const models = [{ name: 'F16', here: path.join(folder, 'dense.gguf'), there: MODEL }];
  for (const type of TYPES) {
    const here = await convertedSample(folder, 'appliance/dense', type);
    const there = `/root/${path.basename(here)}`;
    copyFileSync(here, system.at(there));
    models.push({ name: type, here, there });
  }
  for (const { name, here, there } of models) {
    const ours = await answers(null, { modelPath: here });
    const theirs = await answers(setting, { modelPath: there });
    for (const [i, question] of QUESTIONS.entries())
      compare(ours[i] as Answer, theirs[i] as Answer, `${name}: "${question}"`, check);
    if (name !== 'Q4_0') continue;
    for (const cpu of OTHER_CPUS) {
      const [answer] = await answers(setting, { modelPath: there, cpu }, 1);
      compare(ours[0] as Answer, answer as Answer, `${name} on ${cpu}`, check);
    }
  }
}

async function answers(
  setting: Arm64Setting | null,
  options: ServerOptions,
  count = QUESTIONS.length,
): Promise<Answer[]> {
  await using server = await serve(setting?.system ?? null, options);
  const found: Answer[] = [];
  for (const question of QUESTIONS.slice(0, count)) found.push(await ask(server.url, question));
  return found;
}

function compare(ours: Answer, theirs: Answer, what: string, check: Arm64Setting['check']): void {
  const differences = ours.tokens.map(({ token, logprob }, i) => {
    const other = theirs.tokens[i];
    return other?.token === token ? Math.abs(other.logprob - logprob) : Number.POSITIVE_INFINITY;
  });
  const largest = Math.max(...differences);
  const isSame = ours.text === theirs.text && ours.text !== '' && largest <= MAX_DIFFERENCE;
  const seen = isSame
    ? `${ours.tokens.length} tokens as on x64, log probabilities within ${largest.toPrecision(2)}`
    : `x64 says ${JSON.stringify(ours.text)}, arm64 ${JSON.stringify(theirs.text)}, largest difference ${largest}`;
  check(isSame, `engine: ${what}: ${seen}`);
}
