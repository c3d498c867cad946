import t from 'tap';
import { spreadOf } from '../../../bench/measure/measurement-row.js';
import { pointName, pointsUpTo } from '../../../bench/measure/points.js';

const names = (nCtx: number, depths?: number[]) => pointsUpTo(nCtx, depths).map(pointName);

t.test('points are named as llama-bench names them, and none exceeds the context', (t) => {
  t.same(names(4096), [
    'pp512',
    'tg128',
    'pp512 @ d2048',
    'tg128 @ d2048',
    'pp512 @ d3584',
    'tg128 @ d3584',
  ]);
  t.same(names(512), ['pp512', 'tg128', 'tg128 @ d256']);
  t.same(names(256, [64, 200]), ['tg128', 'tg128 @ d64']);
  t.equal(pointName({ nPrompt: 8, nGen: 4, nDepth: 2 }), 'pp8+tg4 @ d2');
  t.end();
});

t.test('average and deviation are those of a sample, the median that of its middle', (t) => {
  const spread = spreadOf([57_000_000, 58_000_000, 62_000_000], 512);
  t.equal(spread.avg_ns, 59_000_000);
  t.equal(spread.stddev_ns, 2_645_751);
  t.equal(spread.median_ts.toFixed(2), (512 / 0.058).toFixed(2));
  t.equal(spread.min_ts.toFixed(2), (512 / 0.062).toFixed(2));
  t.match(spreadOf([1_000_000], 1), { stddev_ns: 0, stddev_ts: 0, median_ts: 1000 });
  t.end();
});
