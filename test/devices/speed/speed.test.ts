import t from 'tap';
import { readBaseModel } from '../../../converter/plan/base-model.js';
import { prunedCandidates, sizedCandidates } from '../../../converter/plan/candidates.js';
import type { FileType } from '../../../converter/quantise/index.js';
import { sizedModelOfPlan } from '../../../converter/sized-model.js';
import { type Device, findDevice, openFitter } from '../../../devices/index.js';

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

t.test(
  'speeds measured on a machine whose bandwidth was found by copying lie in the range',
  async (t) => {
    // bench/results/llama-2-7b-cpu.jsonl; the bandwidth is what was found before each run.
    const measured: [ratio: number, gigabytesPerSecond: number, tokensPerSecond: number][] = [
      [0, 26.6, 5.69],
      [0.25, 29.0, 6.8],
      [0.45, 33.8, 10.77],
      [0.6, 42.4, 14.49],
    ];
    const base = await readBaseModel('llama-2-7b');
    const fitter = openFitter();
    t.teardown(() => fitter.close());
    for (const [ratio, gigabytesPerSecond, tokensPerSecond] of measured) {
      const [candidate] = prunedCandidates(base, { ratios: [ratio] });
      if (!candidate) return;
      const [size] = sizedCandidates(candidate.model, 0, ['Q4_K_M']);
      if (!size) return;
      const device: Device = {
        ...{ id: 'here', name: 'this machine', kind: 'cpu', backend: 'cpu' },
        ...{ memoryBytes: 16e9, reservedBytes: 0, computeFlops: 1e11 },
        ...{ bandwidthBytesPerSecond: gigabytesPerSecond * 1e9, isBandwidthMeasured: true },
      };
      const sized = sizedModelOfPlan(candidate.model, size.plan);
      const { speed } = await fitter.fit(sized, device, { nCtx });
      const { low, high } = speed?.tgTokensPerSecond ?? { low: 0, high: 0 };
      t.ok(low <= tokensPerSecond && tokensPerSecond <= high, `${ratio}: ${low} to ${high}`);
    }
  },
);
