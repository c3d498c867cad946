import t from 'tap';
import { readBaseModel } from '../../../converter/plan/base-model.js';
import { sizedCandidates } from '../../../converter/plan/candidates.js';
import { sizedModelOfPlan } from '../../../converter/sized-model.js';
import { type Device, findDevice, openFitter, type SizedModel } from '../../../devices/index.js';

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
  const more = await fitter.fit(model, jetson, { nCtx: maxCtx + 256 });
  t.same(more.verdict, { kind: 'fits-up-to-context', nCtx: maxCtx });
});

t.test('what is missing is said where not even the weights fit', async (t) => {
  const tiny: Device = { ...(await findDevice('rtx-3060-8gb')), memoryBytes: 4 * 2 ** 30 };
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
