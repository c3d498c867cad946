import t from 'tap';
import { ThreadTuner, threadCounts } from '../../llama/thread-tuner.js';

type Machine = {
  /** Of one batch, in ms. */
  wallMs: (threads: number, nTokens: number) => number;
  /** Of all cores of the threads, what they got. */
  share?: (threads: number) => number;
  isBusy?: boolean;
};

/** Computes batches as the scheduler does; returns the time they took. */
function compute(
  tuner: ThreadTuner,
  { wallMs, share = () => 1, isBusy = false }: Machine,
  { batches, nTokens = 1 }: { batches: number; nTokens?: number },
): number {
  let totalMs = 0;
  for (let i = 0; i < batches; i++) {
    const threads = tuner.choose(nTokens, isBusy);
    const ms = wallMs(threads, nTokens);
    totalMs += ms;
    const cpuMs = share(threads) * threads * ms;
    tuner.record({ nTokens, threads, wallMs: ms, cpuMs, isBusy });
  }
  return totalMs;
}

/** A tiny model on two cores: a second thread is waited for. */
const spinning: Machine = {
  wallMs: (threads) => (threads === 1 ? 1 : 14),
  share: (threads) => (threads === 1 ? 1 : 0.5),
};

/** A large one: twice the threads, nearly twice the speed. */
const scaling: Machine = {
  wallMs: (threads, nTokens) => (nTokens * 170) / threads ** 0.9,
};

t.test('numbers of threads worth telling apart', async (t) => {
  t.same(threadCounts(1), [1]);
  t.same(threadCounts(2), [1, 2]);
  t.same(threadCounts(6), [1, 2, 3, 4, 6]);
  t.same(threadCounts(16), [1, 2, 3, 4, 6, 8, 12, 16]);
});

t.test('what a batch will take follows from those of its size', async (t) => {
  const tuner = new ThreadTuner([2]);
  t.equal(new ThreadTuner([1, 2]).expectedMs(100), Number.POSITIVE_INFINITY);
  compute(tuner, scaling, { batches: 3, nTokens: 100 });
  t.equal(
    tuner.expectedMs(100),
    Number.POSITIVE_INFINITY,
    'where the number is given, nothing is kept',
  );
  const choosing = new ThreadTuner([1, 2]);
  compute(choosing, scaling, { batches: 3, nTokens: 100 });
  t.ok(Math.abs(choosing.expectedMs(120) - (120 * 170) / 2 ** 0.9) < 1e-6);
});

t.test('a tiny model is decoded by one thread, as two wait for each other', async (t) => {
  const ms = compute(new ThreadTuner([1, 2]), spinning, { batches: 2000 });
  t.ok(2000 / ms > 0.95, `${(2000 / ms).toFixed(3)} of the speed of one thread`);
});

t.test('fewer threads while they wait for each other, more again after', async (t) => {
  const tuner = new ThreadTuner([1, 2]);
  compute(tuner, scaling, { batches: 50 });
  t.equal(tuner.settled(1), 2);
  const contended: Machine = {
    wallMs: (threads) => (threads === 1 ? 250 : 900),
    share: () => 0.6,
  };
  compute(tuner, contended, { batches: 8 });
  t.equal(tuner.settled(1), 1, 'within a few tokens');
  compute(tuner, scaling, { batches: 200 });
  t.equal(tuner.settled(1), 2);
});

t.test(
  'all threads are back within a few tokens where others were there for a moment',
  async (t) => {
    const tuner = new ThreadTuner([1, 2]);
    const quiet: Machine = { wallMs: (threads) => (threads === 1 ? 120 : 65) };
    const contended: Machine = {
      wallMs: (threads) => (threads === 1 ? 130 : 230),
      share: (threads) => (threads === 1 ? 1 : 0.6),
    };
    compute(tuner, quiet, { batches: 20 });
    compute(tuner, contended, { batches: 8 });
    t.equal(tuner.settled(1), 1);
    compute(tuner, quiet, { batches: 6 });
    t.equal(tuner.settled(1), 2);
  },
);

t.test('a busy machine is another machine: what was learnt of one stays', async (t) => {
  const tuner = new ThreadTuner([1, 2]);
  compute(tuner, scaling, { batches: 4, nTokens: 512 });
  t.equal(tuner.choose(512, true), 1, 'a prompt starts with half of the cores');
  t.equal(tuner.choose(512, false), 2);
});

t.test('a batch that had its cores says so, while that is news', async (t) => {
  const tuner = new ThreadTuner([1, 2]);
  t.notOk(tuner.hadItsCores(), 'nothing is known yet');
  tuner.record({ nTokens: 1, threads: 2, wallMs: 65, cpuMs: 128 });
  t.ok(tuner.hadItsCores());
  tuner.record({ nTokens: 1, threads: 2, wallMs: 230, cpuMs: 270 });
  t.notOk(tuner.hadItsCores());
});

t.test('one number alone is taken, whatever happens', async (t) => {
  const tuner = new ThreadTuner([2]);
  compute(tuner, spinning, { batches: 100 });
  t.equal(tuner.choose(1), 2);
  t.equal(tuner.choose(512, true), 2);
});
