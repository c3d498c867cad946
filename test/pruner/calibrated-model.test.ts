import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { openCompute } from '../../llama/ggml-compute.js';
import { productOf } from '../../pruner/calibrated-model.js';
import { removalCurve } from '../../pruner/choose/removal-curve.js';
import { zeros } from '../../pruner/linear/matrix.js';
import { randomMatrix } from './linear/plain-multiply.js';

t.test(
  'a layer that takes long to choose from is left at once when that is asked for',
  async (t) => {
    const n = 1024;
    const correlation = zeros(n, n);
    for (let i = 0; i < n; i++) correlation.data[i * (n + 1)] = 1;
    const moments = { correlation, mean: new Float32Array(n), scale: new Float32Array(n).fill(1) };
    const stop = new AbortController();
    const compute = openCompute({ threads: 1 });
    const multiply = productOf(compute, stop.signal);
    // A channel at a time, which would take minutes.
    const options = { groupSize: 1, step: 1, least: 1, ridge: 0.1, multiply };
    const choosing = removalCurve(randomMatrix(n, n, 3), moments, options);
    choosing.catch(() => {});
    await setTimeout(200);
    stop.abort();
    const stopped = performance.now();
    await t.rejects(choosing, { name: 'AbortError' });
    t.ok(performance.now() - stopped < 5000);
    compute.close();
  },
);
