import t from 'tap';
import { readBaseModel } from '../../../converter/plan/base-model.js';
import { sizedCandidates } from '../../../converter/plan/candidates.js';
import type { FileType } from '../../../converter/quantise/index.js';
import { sizedModelOfPlan } from '../../../converter/sized-model.js';
import { findDevice, openFitter } from '../../../devices/index.js';

/** Short contexts, as benchmarks have them. */
const nCtx = 256;

t.test('speeds that others measured lie in the range', async (t) => {
  const measured: [base: string, type: FileType, device: string, tokensPerSecond: number][] = [
    // https://github.com/geerlingguy/sbc-reviews/issues/21
    ['llama-2-13b', 'Q4_0', 'raspberry-pi-5-16gb', 1.36],
    ['llama-3-8b', 'Q4_K_M', 'raspberry-pi-5-16gb', 2.17],
    // https://github.com/ggml-org/llama.cpp/discussions/4167
    ['llama-2-7b', 'Q4_0', 'apple-m1-16gb', 14.15],
    ['llama-2-7b', 'Q4_0', 'apple-m2-16gb', 21.91],
    ['llama-2-7b', 'Q4_0', 'apple-m1-pro-16gb', 36.41],
  ];
  const fitter = openFitter();
  t.teardown(() => fitter.close());
  for (const [base, type, name, tokensPerSecond] of measured) {
    const { model } = await readBaseModel(base);
    const [size] = sizedCandidates(model, 0, [type]);
    if (!size) return;
    const device = await findDevice(name);
    const { speed } = await fitter.fit(sizedModelOfPlan(model, size.plan), device, { nCtx });
    const { low, typical, high } = speed?.tgTokensPerSecond ?? { low: 0, typical: 0, high: 0 };
    t.ok(low <= tokensPerSecond && tokensPerSecond <= high, `${name}: ${low} to ${high}`);
    t.ok(low < typical && typical < high);
  }
});
