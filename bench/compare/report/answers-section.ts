// Answers side by side, with what is counted of them. Words that the unpruned model's answer does not
// have at that place are marked. Answers are strangers' text: every character is escaped.
// Of very many questions some are left to --json.
import { formatPercent } from '../../../terminal/units.js';
import { markChanges } from '../answers/words.js';
import type { Compared, ComparedAnswer, Comparison } from '../comparison.js';
import { type Html, html } from './html.js';

const OPEN_QUESTIONS = 4;
const MAX_QUESTIONS = 100;
/** Where nearly every word differs, marks tell nothing. */
const MAX_MARKED = 0.75;
/** An answer that goes on and on says what it says in so many characters. */
const MAX_CHARS = 6_000;

export function answersSection({ models, setting }: Comparison): Html | null {
  const asked = models.filter(({ answers }) => answers.length > 0);
  if (asked.length === 0) return null;
  const questions = setting.questions.slice(0, MAX_QUESTIONS);
  const left = setting.questions.length - questions.length;
  return html`<section class="answers"><h2>Answers</h2>
<p class="hint">The likeliest token each time, so that answers repeat. Marked: words that differ from the first model’s answer.</p>
${questions.map(({ text, expected }, index) => question({ text, expected, index }, asked, models[0]))}
${left > 0 ? html`<p class="hint">${left} more questions are in the output of --json.</p>` : null}</section>`;
}

type Asked = { text: string; expected: string | null; index: number };

function question(
  { text, expected, index }: Asked,
  models: Compared[],
  first: Compared | undefined,
) {
  const reference = first?.answers[index]?.text ?? null;
  const cards = models.flatMap((model) => {
    const answer = model.answers[index];
    return answer ? [answerCard(model, answer, model === first ? null : reference)] : [];
  });
  const body = html`${expected === null ? null : html`<p class="expected"><span>Right answer</span> <bdi>${clip(expected)}</bdi></p>`}<div class="answer-cards">${cards}</div>`;
  const isOpen = index < OPEN_QUESTIONS;
  return html`<details class="question"${isOpen ? html` open` : null}><summary><bdi>${clip(text)}</bdi></summary>${body}</details>`;
}

function answerCard(
  { label, file }: Compared,
  answer: ComparedAnswer,
  reference: string | null,
): Html {
  const text = clip(answer.text);
  const isMarked = reference !== null && (answer.difference ?? 0) <= MAX_MARKED;
  const parts = isMarked ? markChanges(text, reference) : [{ text, isChanged: false }];
  return html`<article class="card answer${file?.isUnpruned ? ' unpruned' : ''}">
<h3>${label}</h3>
<p class="answer-text" dir="auto">${parts.map((part) => (part.isChanged ? html`<mark>${part.text}</mark>` : html`${part.text}`))}</p>
<ul class="chips">${chips(answer)}</ul>
</article>`;
}

function chips(answer: ComparedAnswer): Html[] {
  const { nTokens, nWords, repetition, difference, stopReason, isRight } = answer;
  const isCut = stopReason === 'length' || stopReason === 'context';
  const judged = isRight
    ? html`<li class="good">right</li>`
    : html`<li class="bad">not the right words</li>`;
  return [
    ...(isRight === null ? [] : [judged]),
    html`<li>${nWords} words, ${nTokens} tokens</li>`,
    ...(repetition > 0 ? [html`<li>repeats ${formatPercent(repetition, 0)}</li>`] : []),
    ...(difference === null ? [] : [html`<li>${differenceText(difference)}</li>`]),
    ...(isCut ? [html`<li>cut off</li>`] : []),
  ];
}

function differenceText(difference: number): string {
  return difference === 0 ? 'the same words' : `differs ${formatPercent(difference, 0)}`;
}

function clip(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`;
}
