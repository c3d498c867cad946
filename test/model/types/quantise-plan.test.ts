// The plan of models that are too large to convert in a test: file sizes at LLM-Pruner's own widths,
// what is padded, and the rules of llama.cpp's mixtures that small models do not reach.
// Types expected here were read off llama_tensor_get_type_impl in llama-quant.cpp, not off our table.
import t from 'tap';
import type { LayerWidths, LlamaModel } from '../../../model/shape/llama-model.js';
import { FILE_TYPES, type FileType } from '../../../model/types/mixtures.js';
import {
  planQuantisation,
  planWithin,
  type QuantisePlan,
} from '../../../model/types/quantise-plan.js';

const dense7b: LayerWidths = { nHead: 32, nHeadKv: 32, nFf: 11008 };

/** LLM-Pruner's Llama-7B: the pruned layers are `from` to `to`, the others whole. */
const pruned7b = [
  { ratio: 20, from: 4, to: 29, nHead: 24, nFf: 8256, bar: 3.34e9 },
  { ratio: 35, from: 4, to: 29, nHead: 18, nFf: 6054, bar: 2.71e9 },
  { ratio: 50, from: 3, to: 30, nHead: 13, nFf: 4403, bar: 2.14e9 },
];

for (const { ratio, from, to, nHead, nFf, bar } of pruned7b)
  t.test(`7B pruned by ${ratio} % takes at most ${bar / 1e9} GB and no larger type`, async (t) => {
    const isPruned = (i: number) => i >= from && i <= to;
    const model = llama7b((i) => (isPruned(i) ? { nHead, nHeadKv: nHead, nFf } : dense7b));
    const plan = planQuantisation(model, 'Q4_K_M');
    t.ok(plan.weightsBytes <= bar, `${plan.weightsBytes} bytes`);
    t.strictSame(plan.larger, []);
    t.ok(plan.stockBytes > 1.02 * plan.weightsBytes, 'llama.cpp would take more');
    const heads = plan.widths.layers.map((layer) => layer.nHead);
    t.strictSame(
      heads,
      model.layers.map((layer) => layer.nHead),
      'no head is added',
    );
  });

t.test('an odd number of heads takes IQ4_NL, which has the bits of Q4_K', async (t) => {
  const plan = planQuantisation(
    llama7b(() => ({ nHead: 13, nHeadKv: 13, nFf: 4403 })),
    'Q4_K_M',
  );
  t.equal(typeOf(plan, 'blk.5.attn_output.weight'), 'IQ4_NL');
  t.equal(typeOf(plan, 'blk.5.attn_q.weight'), 'Q4_K');
});

t.test('channels are padded to whole blocks with every type, and bytes add up', async (t) => {
  const model = llama7b(() => ({ nHead: 13, nHeadKv: 13, nFf: 4403 }));
  for (const type of FILE_TYPES) {
    const plan = planQuantisation(model, type);
    t.ok(
      plan.tensors.every(({ sizeBytes }) => Number.isSafeInteger(sizeBytes)),
      type,
    );
    t.equal(
      plan.weightsBytes,
      plan.tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
    t.ok(plan.weightsBytes <= plan.stockBytes, `${type} is not larger than llama.cpp's`);
    t.ok(plan.widths.layers.every(({ nFf }) => nFf - 4403 < 256));
  }
  t.strictSame(
    planQuantisation(model, 'F16').widths.layers,
    model.layers,
    'floats need no padding',
  );
});

t.test('Llama-3.1-8B has the sizes that llama.cpp publishes for it', async (t) => {
  // GiB, from tools/quantize/README.md of llama.cpp.
  const published: Partial<Record<FileType, string>> = {
    F16: '14.96',
    Q8_0: '7.95',
    Q6_K: '6.14',
    Q5_K_M: '5.33',
    Q5_K_S: '5.21',
    Q4_K_M: '4.58',
    Q4_K_S: '4.36',
    IQ4_NL: '4.38',
    IQ4_XS: '4.17',
    Q3_K_M: '3.74',
    IQ3_M: '3.52',
    IQ3_S: '3.42',
    Q3_K_S: '3.41',
    IQ3_XS: '3.27',
    IQ3_XXS: '3.04',
    Q2_K: '2.95',
    IQ2_M: '2.74',
    IQ2_S: '2.56',
    IQ2_XS: '2.42',
    IQ2_XXS: '2.23',
  };
  const model = { ...llama7b(() => ({ nHead: 32, nHeadKv: 8, nFf: 14336 })), nVocab: 128256 };
  for (const [type, gib] of Object.entries(published)) {
    const { weightsBytes } = planQuantisation(model, type as FileType);
    t.ok(Math.abs(weightsBytes / 2 ** 30 - Number(gib)) <= 0.011, `${type}: ${weightsBytes} bytes`);
  }
});

t.test('with four heads to a KV head, IQ4_NL and Q2_K give attn_v more bits', async (t) => {
  const model = llama7b(() => ({ nHead: 32, nHeadKv: 8, nFf: 14336 }));
  t.equal(typeOf(planQuantisation(model, 'IQ4_NL'), 'blk.3.attn_v.weight'), 'Q5_K');
  t.equal(typeOf(planQuantisation(model, 'Q2_K'), 'blk.3.attn_v.weight'), 'Q4_K');
  t.equal(
    typeOf(
      planQuantisation(
        llama7b(() => dense7b),
        'Q2_K',
      ),
      'blk.3.attn_v.weight',
    ),
    'Q3_K',
  );
});

t.test('80 layers with shared attn_v are a 70B, whose attn_v is at least Q5_K', async (t) => {
  const layer = { nHead: 64, nHeadKv: 8, nFf: 28672 };
  const model = {
    ...llama7b(() => layer),
    nEmbd: 8192,
    layers: Array.from({ length: 80 }, () => layer),
  };
  for (const type of ['Q4_K_M', 'Q4_K_S', 'Q3_K_M', 'Q3_K_S'] as const)
    for (const i of [0, 20, 41, 79])
      t.match(typeOf(planQuantisation(model, type), `blk.${i}.attn_v.weight`), /^Q[56]_K$/);
  const shorter = { ...model, layers: model.layers.slice(1) };
  t.equal(typeOf(planQuantisation(shorter, 'Q3_K_S'), 'blk.20.attn_v.weight'), 'Q3_K');
});

t.test('a 70B of fewer than three bits keeps its attn_v at Q4_K', async (t) => {
  const layer = { nHead: 64, nHeadKv: 8, nFf: 28672 };
  const layers = Array.from({ length: 80 }, () => layer);
  const model = { ...llama7b(() => layer), nEmbd: 8192, layers };
  const attnV = (type: FileType) => typeOf(planQuantisation(model, type), 'blk.20.attn_v.weight');
  for (const type of ['IQ2_XXS', 'IQ2_XS', 'IQ2_S', 'IQ2_M'] as const) t.equal(attnV(type), 'Q4_K');
  for (const type of ['IQ3_XXS', 'IQ3_M', 'IQ4_XS'] as const) t.equal(attnV(type), 'Q5_K');
});

t.test('an importance matrix changes what is given more bits', async (t) => {
  const model = llama7b(() => dense7b);
  const first = (type: FileType, hasImatrix: boolean) =>
    typeOf(planQuantisation(model, type, { hasImatrix }), 'blk.3.ffn_down.weight');
  t.strictSame([first('Q4_0', false), first('Q4_0', true)], ['Q4_0', 'Q4_1']);
  t.strictSame([first('Q5_0', false), first('Q5_0', true)], ['Q5_0', 'Q5_1']);
  t.strictSame([first('IQ4_NL', false), first('IQ4_NL', true)], ['Q5_K', 'IQ4_NL']);
  t.strictSame([first('IQ4_XS', false), first('IQ4_XS', true)], ['Q5_K', 'IQ4_XS']);
  t.strictSame([first('Q4_K_M', false), first('Q4_K_M', true)], ['Q6_K', 'Q6_K']);
});

t.test('the best type that fits is taken, and none where none does', async (t) => {
  const model = llama7b(() => dense7b);
  const bytes = (plan: QuantisePlan) => plan.weightsBytes;
  const fitted = (maxBytes: number) => planWithin(model, maxBytes, bytes)?.fileType ?? null;
  t.equal(fitted(100e9), 'F32');
  t.equal(fitted(8e9), 'Q8_0');
  t.equal(fitted(bytes(planQuantisation(model, 'Q4_K_M'))), 'Q4_K_M');
  t.not(fitted(bytes(planQuantisation(model, 'Q4_K_M')) - 1), 'Q4_K_M');
  t.equal(fitted(1e9), null);
  t.equal(fitted(2.4e9), null, 'too few bits without an importance matrix');
  t.equal(planWithin(model, 2.4e9, bytes, { hasImatrix: true })?.fileType, 'IQ2_M');
  t.equal(planWithin(model, 2.6e9, bytes)?.fileType, 'Q2_K');
  t.equal(planWithin(model, 2.6e9, bytes, { hasImatrix: true })?.fileType, 'IQ3_XXS');
});

t.test('from best to smallest, every type is smaller than the one before', async (t) => {
  const model = llama7b(() => dense7b);
  const bytes = (type: FileType) => planQuantisation(model, type).weightsBytes;
  for (let i = 1; i < FILE_TYPES.length; i++) {
    const [before, type] = FILE_TYPES.slice(i - 1, i + 1) as [FileType, FileType];
    t.ok(bytes(type) <= bytes(before), type);
  }
});

function typeOf(plan: QuantisePlan, name: string): string {
  return plan.tensors.find((tensor) => tensor.name === name)?.type ?? 'missing';
}

function llama7b(layer: (i: number) => LayerWidths): LlamaModel {
  const [nEmbd, nVocab, headSize] = [4096, 32000, 128];
  const layers = Array.from({ length: 32 }, (_, i) => layer(i));
  const layerWeights = ({ nHead, nHeadKv, nFf }: LayerWidths) =>
    2 * nEmbd * headSize * (nHead + nHeadKv) + 3 * nEmbd * nFf + 2 * nEmbd;
  return {
    nEmbd,
    nVocab,
    headSize,
    layers,
    biases: new Set(),
    tiedEmbeddings: false,
    nCtxTrain: 2048,
    rmsNormEps: 1e-6,
    ropeTheta: 10000,
    ropeScaling: { kind: 'none' },
    nParams: layers.reduce((sum, widths) => sum + layerWeights(widths), 2 * nVocab * nEmbd + nEmbd),
  };
}
