import t from 'tap';
import { tryThreads } from '../../llama/first-thread-trial.js';
import { ThreadTuner } from '../../llama/thread-tuner.js';

const decode = (costMs: (threads: number) => number, seen: number[]) => (threads: number) => {
  seen.push(threads);
  return costMs(threads);
};

t.test('starts with the quickest, and does not repeat a slow number', async (t) => {
  const tuner = new ThreadTuner([1, 2, 3, 4]);
  const seen: number[] = [];
  await tryThreads(
    tuner,
    1e6,
    decode((threads) => (threads === 1 ? 1 : 8 * threads), seen),
  );
  t.equal(tuner.settled(1), 1);
  t.same(seen, [1, 1, 2, 1, 1]);
});

t.test('tells nothing where time runs out before all were tried', async (t) => {
  const tuner = new ThreadTuner([1, 2]);
  const seen: number[] = [];
  await tryThreads(
    tuner,
    1e6,
    decode(() => 50, seen),
  );
  t.equal(tuner.settled(1), 2, 'all, as without a trial');
  t.ok(seen.length <= 3);
});

t.test('tries no model whose token takes longer than a trial may', async (t) => {
  const seen: number[] = [];
  await tryThreads(
    new ThreadTuner([1, 2]),
    1e9,
    decode(() => 1, seen),
  );
  t.same(seen, []);
});

t.test('tries nothing where the number is given', async (t) => {
  const seen: number[] = [];
  await tryThreads(
    new ThreadTuner([2]),
    1e6,
    decode(() => 1, seen),
  );
  t.same(seen, []);
});
