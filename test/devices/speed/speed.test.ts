import t from 'tap';
import { findDevice } from '../../../devices/catalogue/catalogue.js';
import type { Device } from '../../../devices/catalogue/device.js';
import { openFitter } from '../../../devices/fit/fitter.js';
import { readBaseModel } from '../../../devices/plan/base-model.js';
import { prunedCandidates, sizedCandidates } from '../../../devices/plan/candidates.js';
import type { SpeedRange } from '../../../devices/speed/speed.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { sizedModelOfPlan } from '../../../model/types/sized-plan.js';

/** Short contexts, as benchmarks have them. */
const nCtx = 256;

const fitter = openFitter();
t.teardown(() => fitter.close());

type Asked = { base: string; ratio: number; type: FileType; device: Device };

async function tokensPerSecond({ base, ratio, type, device }: Asked): Promise<SpeedRange> {
  const [pruned] = prunedCandidates(await readBaseModel(base), { ratios: [ratio] });
  if (!pruned) throw new Error(`${base} cannot be pruned to ${ratio}`);
  const [size] = sizedCandidates(pruned.model, 0, [type]);
  if (!size) throw new Error(`${base} has no ${type}`);
  const { speed } = await fitter.fit(sizedModelOfPlan(pruned.model, size.plan), device, { nCtx });
  if (!speed) throw new Error(`no speed is predicted for ${device.name}`);
  return speed.tgTokensPerSecond;
}

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
  for (const [base, type, name, found] of measured) {
    const device = await findDevice(name);
    const { low, typical, high } = await tokensPerSecond({ base, ratio: 0, type, device });
    t.ok(low <= found && found <= high, `${name}: ${low} to ${high}`);
    t.ok(low < typical && typical < high);
  }
});

t.test('speeds measured where the bandwidth was found by copying lie in the range', async (t) => {
  // bench/results/llama-2-7b-cpu.jsonl; the bandwidth is what was found before each run.
  const measured: [ratio: number, gigabytesPerSecond: number, tokensPerSecond: number][] = [
    [0, 26.6, 5.69],
    [0.25, 29.0, 6.8],
    [0.45, 33.8, 10.77],
    [0.6, 42.4, 14.49],
  ];
  for (const [ratio, gigabytesPerSecond, found] of measured) {
    const device: Device = {
      ...{ id: 'here', name: 'this machine', kind: 'cpu', backend: 'cpu' },
      ...{ memoryBytes: 16e9, reservedBytes: 0, computeFlops: 1e11 },
      ...{ bandwidthBytesPerSecond: gigabytesPerSecond * 1e9, isBandwidthMeasured: true },
    };
    const { low, high } = await tokensPerSecond({
      ...{ base: 'llama-2-7b', type: 'Q4_K_M', ratio, device },
    });
    t.ok(low <= found && found <= high, `${ratio}: ${low} to ${high}`);
  }
});
