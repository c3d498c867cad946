// What quantisation costs a healed model: perplexity of held-out answers against PyTorch's, which
// was measured on the half-precision weights with the same recipe.
// Scored are the answer's tokens after [/INST], with the end token. A quarter of the answers, as
// PyTorch's figure for them is stored, too; HEARTH_TEST_ALL=1 takes them all.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { APPLIANCES as appliance } from '../../bench/development/sample-models.js';
import type { FileType } from '../../model/types/mixtures.js';
import { convertSample, loraPath } from '../support/converted.js';
import { type LoadedModel, loadModel } from '../support/llama-logits.js';
import { logSoftmax } from '../support/logit-distance.js';
import { fixtures, readReference } from '../support/samples.js';

type Exchange = { q: string; a: string };

const takesAll = process.env['HEARTH_TEST_ALL'] === '1';
const heldout = readFileSync(path.join(fixtures, 'appliance/corpus/heldout.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .filter((_, i) => takesAll || i % 4 === 0)
  .map((line) => JSON.parse(line) as Exchange);
const quarter: Record<string, number> = JSON.parse(
  readFileSync(path.join(fixtures, 'appliance/heldout-quarter.json'), 'utf8'),
);

const EOS = 2;
const bars: [FileType, number][] = [
  ['Q8_0', 1.01],
  ['Q4_K_M', 1.1],
];
const folder = t.testdir();

for (const name of appliance)
  for (const [type, bar] of bars)
    t.test(
      `${name} as ${type} answers held-out questions at most ${bar} × as perplexed`,
      async (t) => {
        const lora = name === 'appliance/dense' ? undefined : loraPath(name);
        await using loaded = await loadModel(await convertSample(folder, name, { type, lora }));
        const ratio = perplexity(loaded) / expected(name);
        t.comment(`ratio ${ratio.toFixed(4)}`);
        t.ok(ratio <= bar, `ratio ${ratio}`);
        t.ok(ratio > 0.9, 'and not better than the original, which would be another text');
      },
    );

function expected(name: string): number {
  const variant = name === 'appliance/dense' ? 'plain' : 'lora';
  return (takesAll ? readReference(name, variant).heldout_answer_perplexity : quarter[name]) ?? 0;
}

function perplexity(loaded: LoadedModel): number {
  const scores: number[] = [];
  for (const exchange of heldout) scores.push(...answerScores(loaded, exchange));
  return Math.exp(-scores.reduce((sum, score) => sum + score, 0) / scores.length);
}

/** Log probability of every token of the answer. */
function answerScores(loaded: LoadedModel, { q, a }: Exchange): number[] {
  const question = loaded.tokenize(`[INST] ${q} [/INST]`);
  const tokens = [...loaded.tokenize(`[INST] ${q} [/INST] ${a}`), EOS];
  const logits = loaded.logits(tokens);
  const nVocab = logits.length / tokens.length;
  return tokens.slice(question.length).map((token, i) => {
    const before = question.length + i - 1;
    return logSoftmax(logits.subarray(before * nVocab, (before + 1) * nVocab))[token] as number;
  });
}
