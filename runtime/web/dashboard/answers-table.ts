// Every answer of the chosen time, a page at a time, the newest first.
// A page is the answers before a known one, so that answers that come meanwhile move none of it.
import type { AnswerRow } from '../../log/read-rows.js';
import { el } from '../shared/dom.js';
import { formatBytes, formatCount, formatDuration, formatRate } from '../shared/format.js';
import { texts } from '../texts/texts.js';
import { type DataColumn, dataTable } from './data-table.js';
import { exactTimeWords } from './time-axis.js';

export class AnswersTable {
  readonly element = el('section', { class: 'card wide' });
  readonly #onTurn: () => void;
  /** Where each page starts that was turned over: before the answer with this id, or at the newest. */
  #starts: (number | null)[] = [null];

  /** `onTurn` is called when another page is wanted. */
  constructor(onTurn: () => void) {
    this.#onTurn = onTurn;
  }

  get before(): number | null {
    return this.#starts.at(-1) ?? null;
  }

  /** Of another time or model: from the newest again. */
  restart(): void {
    this.#starts = [null];
  }

  /** `rows`: of the page that starts at `before`. */
  update(rows: readonly AnswerRow[], hasOlder: boolean): void {
    const words = texts.tables;
    const focused = this.#focusedStep();
    const content =
      rows.length > 0
        ? dataTable(words.answers, answerColumns(), rows)
        : el('p', { class: 'nothing' }, words.noAnswers);
    const left = this.element.querySelector('.table-scroll')?.scrollLeft ?? 0;
    this.element.replaceChildren(el('h2', {}, words.answers), content, this.#pager(rows, hasOlder));
    if (rows.length > 0) content.scrollLeft = left;
    if (focused !== null)
      this.element.querySelector<HTMLElement>(`[data-step=${focused}]`)?.focus();
  }

  #pager(rows: readonly AnswerRow[], hasOlder: boolean): HTMLElement {
    const words = texts.tables;
    const isFirst = this.#starts.length === 1;
    const last = rows.at(-1)?.id;
    const span =
      rows.length > 0 &&
      `${exactTimeWords(rows.at(-1)?.started_at ?? '')} – ${exactTimeWords(rows[0]?.started_at ?? '')}`;
    return el(
      'nav',
      { class: 'pager', 'aria-label': words.pages },
      this.#step('newest', words.newest, isFirst, () => [null]),
      this.#step('newer', words.newer, isFirst, () => this.#starts.slice(0, -1)),
      this.#step('older', words.older, !hasOlder || last === undefined, () => [
        ...this.#starts,
        last ?? null,
      ]),
      el('span', { class: 'hint' }, span),
    );
  }

  #step(name: string, label: string, disabled: boolean, starts: () => (number | null)[]) {
    const click = () => {
      this.#starts = starts();
      this.#onTurn();
    };
    return el(
      'button',
      { class: 'button', type: 'button', disabled, 'data-step': name, click },
      label,
    );
  }

  #focusedStep(): string | null {
    const { activeElement } = document;
    return this.element.contains(activeElement)
      ? (activeElement?.getAttribute('data-step') ?? null)
      : null;
  }
}

function answerColumns(): DataColumn<AnswerRow>[] {
  const words = texts.tables;
  return [
    { title: words.time, cell: ({ started_at }) => exactTimeWords(started_at) },
    { title: words.model, cell: ({ model }) => model, isText: true },
    { title: words.result, cell: (row) => row.error_code ?? row.stop_reason ?? '–', isText: true },
    { title: words.prompt, cell: ({ prompt_tokens }) => formatCount(prompt_tokens) },
    { title: words.cached, cell: ({ cached_tokens }) => formatCount(cached_tokens) },
    { title: words.answer, cell: ({ generated_tokens }) => formatCount(generated_tokens) },
    { title: 'TTFT', cell: ({ ttft_ms }) => formatDuration(ttft_ms) },
    { title: 'tok/s', cell: (row) => formatRate(row.tokens_per_second) },
    { title: words.total, cell: ({ total_ms }) => formatDuration(total_ms) },
    { title: words.context, cell: contextWords },
    { title: words.memory, cell: ({ peak_rss_bytes }) => formatBytes(peak_rss_bytes) },
  ];
}

function contextWords({ context_used, n_ctx }: AnswerRow): string {
  return `${formatCount(context_used)} / ${formatCount(n_ctx)}`;
}
