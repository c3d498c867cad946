import t from 'tap';
import {
  type ChosenWidths,
  chooseWidths,
  type DriftMeter,
  type WidthsOptions,
} from '../../../pruner/choose/choose-widths.js';
import type { MeasuredPart } from '../../../pruner/measured-part.js';

const N_EMBD = 64;

/** A layer's two parts, whose errors grow evenly up to `error`. */
function layer(i: number, error = 1): MeasuredPart[] {
  const evenly = (n: number) => ({
    order: Array.from({ length: n }, (_, group) => group),
    errors: Array.from({ length: n + 1 }, (_, gone) => (error * gone) / n),
  });
  const attention = { kind: 'attention', nGroups: 4, groupSize: 32, curve: evenly(4) } as const;
  const ffn = { kind: 'ffn', nGroups: 256, groupSize: 1, curve: evenly(256) } as const;
  return [
    { ...attention, paramsPerGroup: N_EMBD * 16 * 6, module: `a${i}`, ggufName: `a${i}` },
    { ...ffn, paramsPerGroup: 3 * N_EMBD, module: `f${i}`, ggufName: `f${i}` },
  ].map((part) => ({ ...part, layer: i, ridge: null, outputVariance: 2 * error, durationMs: 0 }));
}

const parts = [0, 1, 2, 3].flatMap((i) => layer(i));
const nParams = parts.reduce((sum, part) => sum + part.nGroups * part.paramsPerGroup, 0);
const options = {
  model: { nParams } as WidthsOptions['model'],
  checkpoint: 'dense',
  target: { kind: 'ratio', ratio: 0.25 },
  uniform: null,
  type: 'F16',
  headerBytes: 0,
  hasBiases: true,
  meter: null,
} as const satisfies WidthsOptions;

t.test('without a measurement, widths are even and the target is met', async (t) => {
  const widths = await chooseWidths(parts, options);
  t.ok(removed(widths) >= nParams / 4);
  t.ok(removed(widths) < nParams / 4 + 32 * 3 * N_EMBD, 'by less than a step');
  for (const [{ kind }, kept] of widths)
    if (kind === 'attention') t.equal(kept, 3);
    else t.ok(kept === 160 || kept === 192, `${kept}`);
});

t.test(
  'what drifts most when pruned alone keeps more, where the whole model drifts less so',
  async (t) => {
    const meter = meterOf((part) => (part.layer === 2 ? 8 : 1), spread);
    const widths = await chooseWidths(parts, { ...options, meter });
    t.ok(keptOf(widths, 'f2') > keptOf(widths, 'f1'));
    t.ok(removed(widths) >= nParams / 4);
  },
);

t.test('even widths stay where measured ones are no better, or time runs out', async (t) => {
  const even = await chooseWidths(parts, options);
  const worse = meterOf(
    (part) => (part.layer === 2 ? 8 : 1),
    (widths) => -spread(widths),
  );
  t.same(
    [...(await chooseWidths(parts, { ...options, meter: worse })).values()],
    [...even.values()],
  );
  const late: DriftMeter = { alone: async () => null, together: async () => null };
  t.same(
    [...(await chooseWidths(parts, { ...options, meter: late })).values()],
    [...even.values()],
  );
});

t.test('widths that were given are taken, or refused by name', async (t) => {
  const widths = await chooseWidths(parts, { ...options, uniform: { nHeadKv: 3, nFf: 99 } });
  t.equal(keptOf(widths, 'a1'), 3);
  t.equal(keptOf(widths, 'f3'), 99);
  const tooMany = chooseWidths(parts, { ...options, uniform: { nHeadKv: 3, nFf: 257 } });
  await t.rejects(tooMany, { message: /dense: --n-ff 257: layer 0 has 256; keep 1 to 256/ });
});

function meterOf(
  alone: (part: MeasuredPart) => number,
  together: (widths: ChosenWidths) => number,
): DriftMeter {
  return {
    alone: async (prunings) => prunings.map(([part]) => alone(part)),
    together: async (models) => models.map(together),
  };
}

/** Less, the further channels are from even. */
function spread(widths: ChosenWidths): number {
  const channels = Array.from(widths)
    .filter(([{ kind }]) => kind === 'ffn')
    .map(([, kept]) => kept);
  return Math.min(...channels) - Math.max(...channels);
}

function removed(widths: ChosenWidths): number {
  return Array.from(widths).reduce(
    (sum, [{ nGroups, paramsPerGroup }, kept]) => sum + (nGroups - kept) * paramsPerGroup,
    0,
  );
}

function keptOf(widths: ChosenWidths, name: string): number {
  return Array.from(widths).find(([{ module }]) => module === name)?.[1] ?? Number.NaN;
}
