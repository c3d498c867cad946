// What types round off a real model's weights, against the file that convert makes of it.
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { loadKernels } from '../../../converter/quantise/kernels.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { planQuantisation } from '../../../model/types/quantise-plan.js';
import { openDenseModel } from '../../../pruner/dense-model.js';
import { openNoiseMeter } from '../../../pruner/for-device/rounding-noise.js';

const dense = openDenseModel(await openCheckpoint(samplePath('appliance/dense')), null);
t.teardown(() => dense.close());
const plan = (type: FileType) => planQuantisation(dense.model, type, { hasImatrix: true });
const importance = { columns: new Map(), datasets: [], chunkCount: 0, chunkSize: 0 };
const noise = openNoiseMeter(dense, importance);

t.test('fewer bits round off more', async (t) => {
  const types = ['F16', 'Q8_0', 'Q6_K', 'Q5_K_S', 'Q4_K_S', 'Q3_K_S', 'Q2_K'] as const;
  const noises = types.map((type) => noise(plan(type)));
  t.equal(noises[0], 0);
  t.same(
    noises,
    [...noises].sort((a, b) => a - b),
  );
});

t.test('some rows tell what all of them lose', async (t) => {
  let sum = 0;
  for (const { nDims, source, type, nRows, nCols } of plan('Q4_0').tensors) {
    if (nDims !== 2 || typeof source !== 'string') continue;
    const { data } = dense.readWeight(source);
    const blocks = new Uint8Array(data.length);
    const rounded = new Float32Array(data.length);
    loadKernels().toType(type, data, blocks, nRows, nCols);
    loadKernels().fromBlocks(type, blocks, rounded, data.length);
    const squares = (values: Float32Array) => values.reduce((all, value) => all + value * value, 0);
    sum += squares(data.map((value, i) => value - (rounded[i] as number))) / squares(data);
  }
  const found = noise(plan('Q4_0'));
  t.ok(Math.abs(found / sum - 1) < 0.1, `${found} of ${sum}`);
});
