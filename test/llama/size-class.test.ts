import t from 'tap';
import { SizeClass } from '../../llama/size-class.js';
import { threadCounts } from '../../llama/thread-tuner.js';

/** Batches of one size on a machine that nobody else uses; all of `counts` compute the first. */
class Batches {
  readonly #counts: number[];
  readonly #nTokens: number;
  readonly #sizeClass: SizeClass;

  constructor(counts: number[], nTokens = 1) {
    this.#counts = counts;
    this.#nTokens = nTokens;
    this.#sizeClass = new SizeClass(counts.length, counts.length - 1);
  }

  /** Threads in use, without a number that is being tried. */
  get threads(): number | undefined {
    return this.#counts[this.#sizeClass.current];
  }

  /** Computes `n` of them, each in what `wallMs` says; returns the time they took. */
  compute(n: number, wallMs: (threads: number) => number): number {
    const nTokens = this.#nTokens;
    let totalMs = 0;
    for (let i = 0; i < n; i++) {
      const index = this.#sizeClass.choose(nTokens, false);
      const batchMs = wallMs(this.#counts[index] as number);
      this.#sizeClass.record(index, { nTokens, wallMs: batchMs }, false);
      totalMs += batchMs;
    }
    return totalMs;
  }
}

/** A tiny model on two cores: a second thread is waited for. */
const spinning = (threads: number) => (threads === 1 ? 1 : 14);
/** A large one: twice the threads, nearly twice the speed. */
const scaling = (threads: number) => 170 / threads ** 0.9;

t.test('a large model keeps all threads, and trying fewer costs little', async (t) => {
  const batches = new Batches(threadCounts(8));
  const ratio = (1000 * scaling(8)) / batches.compute(1000, scaling);
  t.ok(ratio > 0.97, `${ratio.toFixed(3)} of the speed of eight threads`);
  t.equal(batches.threads, 8);
});

t.test('what lost again and again is tried less and less', async (t) => {
  const batches = new Batches([1, 2]);
  batches.compute(20_000, spinning);
  const ratio = 20_000 / batches.compute(20_000, spinning);
  t.ok(ratio > 0.997, `${ratio.toFixed(4)} of the speed of one thread`);
});

t.test('and more often again once it won', async (t) => {
  const batches = new Batches([1, 2]);
  batches.compute(20_000, spinning);
  batches.compute(8000, (threads) => 2 / threads);
  t.equal(batches.threads, 2);
});

t.test('the best of many is found from either end', async (t) => {
  const batches = new Batches(threadCounts(16));
  batches.compute(4000, (threads) => 10 / threads + threads ** 1.5 / 4);
  t.ok([3, 4, 6].includes(batches.threads ?? 0), `${batches.threads} threads`);
});

t.test('a prompt is not computed by fewer threads for the sake of knowing', async (t) => {
  const used = new Set<number>();
  new Batches([1, 2], 300).compute(2000, (threads) => {
    used.add(threads);
    return 300 * scaling(threads);
  });
  t.same([...used], [2]);
});

t.test('a short prompt is, once: two threads may be the slower ones for it', async (t) => {
  const waiting = new Batches([1, 2], 90);
  waiting.compute(7, (threads) => (threads === 1 ? 9 : 12));
  t.equal(waiting.threads, 1);

  const scalingWell = new Batches([1, 2], 90);
  let nByOne = 0;
  scalingWell.compute(90, (threads) => {
    if (threads === 1) nByOne++;
    return 18 / threads;
  });
  t.equal(scalingWell.threads, 2);
  t.equal(nByOne, 1, 'and not again until it costs next to nothing');
});

t.test(
  'what is known to be quicker is taken up at once when the one in use slows down',
  async (t) => {
    const batches = new Batches([1, 2], 90);
    batches.compute(200, (threads) => (threads === 1 ? 9 : 5));
    t.equal(batches.threads, 2);
    batches.compute(20, (threads) => (threads === 1 ? 9 : 20));
    t.equal(batches.threads, 1);
  },
);

t.test('what a token costs is told once one was seen, or was told', async (t) => {
  t.equal(new SizeClass(2, 1).cost, undefined);
  t.equal(new SizeClass(2, 1, 5).cost, 5);
  const seen = new SizeClass(2, 1);
  for (const wallMs of [20, 20, 90]) seen.record(1, { nTokens: 10, wallMs }, false);
  t.equal(seen.cost, 2, 'without the worst');
});
