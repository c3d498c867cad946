import t from 'tap';
import { findDevice } from '../../../devices/catalogue/catalogue.js';
import type { Device } from '../../../devices/catalogue/device.js';
import { advise } from '../../../devices/fit/advice.js';
import { openFitter } from '../../../devices/fit/fitter.js';
import { readBaseModel } from '../../../devices/plan/base-model.js';
import { sizedCandidates } from '../../../devices/plan/candidates.js';
import type { SizedModel } from '../../../model/shape/sized-model.js';
import { sizedModelOfPlan } from '../../../model/types/sized-plan.js';

const fitter = openFitter();
t.teardown(() => fitter.close());

async function llama7b(): Promise<SizedModel> {
  const { model } = await readBaseModel('llama-2-7b');
  const [size] = sizedCandidates(model, 0, ['Q4_K_M']);
  if (!size) throw new Error('no plan');
  return sizedModelOfPlan(model, size.plan);
}

t.test('unpruned Llama-2-7B at Q4_K_M fits 8 GB with 4096 tokens, and no Jetson', async (t) => {
  const model = await llama7b();
  const of = async (name: string) => await fitter.fit(model, await findDevice(name), {});
  t.match(await of('rtx-3060-8gb'), { verdict: { kind: 'fits' }, memory: { nCtx: 4096 } });
  t.match((await of('jetson-orin-nano')).verdict, { kind: 'fits-up-to-context' });
});

t.test('the largest context fits, and one step more does not', async (t) => {
  const model = await llama7b();
  const jetson = await findDevice('jetson-orin-nano');
  const { maxCtx } = await fitter.fit(model, jetson, {});
  t.ok(maxCtx > 0 && maxCtx < 4096);
  t.equal((await fitter.fit(model, jetson, { nCtx: maxCtx })).verdict.kind, 'fits');
  // A board has no memory of the system's beside its own to put layers into.
  const more = await fitter.fit(model, jetson, { nCtx: maxCtx + 256 });
  t.same(more.verdict, { kind: 'fits-up-to-context', nCtx: maxCtx });
});

t.test('what is missing is said where not even the weights fit', async (t) => {
  const tiny: Device = { ...(await findDevice('jetson-orin-nano')), memoryBytes: 4 * 2 ** 30 };
  const fit = await fitter.fit(await llama7b(), tiny, {});
  t.same(fit.verdict, {
    kind: 'does-not-fit',
    missingBytes: fit.neededBytes - fit.budgetBytes,
  });
  t.equal(fit.speed, null);
  t.equal(fit.maxCtx, 0);
});

t.test('a smaller KV cache makes room for more context', async (t) => {
  const model = await llama7b();
  const jetson = await findDevice('jetson-orin-nano');
  const [half, quarter] = [
    await fitter.fit(model, jetson, {}),
    await fitter.fit(model, jetson, { kvType: 'Q8_0' }),
  ];
  t.ok(quarter.maxCtx > half.maxCtx);
});

t.test('a card takes as many layers as it holds, where the context is to stay', async (t) => {
  const model = await llama7b();
  const small: Device = { ...(await findDevice('rtx-3060-8gb')), memoryBytes: 5 * 2 ** 30 };
  const request = { nCtx: 4096 };
  const split = await fitter.fit(model, small, request);
  if (split.verdict.kind !== 'fits-with-cpu-layers') return t.fail(split.verdict.kind);
  const { gpuLayers, cpuLayers } = split.verdict;
  t.equal(gpuLayers + cpuLayers, 33);
  t.ok((split.placed.device?.totalBytes ?? 0) <= split.budgetBytes);
  const oneMore = await fitter.fit(model, small, { ...request, gpuLayers: gpuLayers + 1 });
  t.ok(oneMore.neededBytes > split.budgetBytes, 'one more layer would not fit');
  const whole = await fitter.fit(model, await findDevice('rtx-3060-8gb'), request);
  const typical = (fit: typeof whole) => fit.speed?.tgTokensPerSecond.typical ?? 0;
  t.ok(typical(split) < typical(whole), 'and is slower than a card that holds all');
});

t.test('a context that was not asked for gives way before layers do', async (t) => {
  const small: Device = { ...(await findDevice('rtx-3060-8gb')), memoryBytes: 6 * 2 ** 30 };
  const { verdict, placed } = await fitter.fit(await llama7b(), small, {});
  t.match(verdict, { kind: 'fits-up-to-context' });
  t.equal(placed.gpuLayers, 33);
});

t.test('advice names the best type, the largest contexts and the cheapest change', async (t) => {
  const { model: llama } = await readBaseModel('llama-2-7b');
  const types = () =>
    sizedCandidates(llama, 0, ['Q8_0', 'Q4_K_M', 'Q2_K']).map(({ fileType, plan }) => ({
      fileType,
      model: sizedModelOfPlan(llama, plan),
    }));
  const device = await findDevice('jetson-orin-nano');
  const [large, middle] = types();
  if (!large || !middle) return t.fail('no types');
  const adviceFor = async (model: SizedModel, nCtx: number) => {
    const request = { nCtx };
    const fit = await fitter.fit(model, device, request);
    return await advise({ fitter, device, request, fit, model, types });
  };
  const short = await adviceFor(middle.model, 1024);
  t.match(short, { bestType: { fileType: 'Q4_K_M' }, cheapestChange: null });
  t.ok(short.maxCtx.Q8_0 > short.maxCtx.F16);
  t.same((await adviceFor(large.model, 1024)).cheapestChange, { kind: 'type', fileType: 'Q4_K_M' });
  const long = await adviceFor(middle.model, short.maxCtx.F16 + 256);
  t.same(long.cheapestChange, { kind: 'kv-type', kvType: 'Q8_0' });
});
