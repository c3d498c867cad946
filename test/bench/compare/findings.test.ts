// Types that cost more than they save are told, and those that are worth their loss are not.
import t from 'tap';
import { unmeasured } from '../../../bench/compare/compared-file.js';
import type { Compared } from '../../../bench/compare/comparison.js';
import { costlyTypes } from '../../../bench/compare/findings.js';

type Figures = { fileMb: number; memoryMib: number; perplexity: number; nFf?: number };

/** As a comparison finds it, on eight chunks of one text. */
function measured(label: string, { fileMb, memoryMib, perplexity, nFf = 1536 }: Figures): Compared {
  const nll = Array.from({ length: 8 }, (_, chunk) => Math.log(perplexity) + 0.01 * (chunk % 3));
  return {
    ...unmeasured(label, `${label}.gguf`),
    file: { sizeBytes: fileMb * 1e6, sized: { shape: { nFf } } },
    predicted: { device: null, host: { totalBytes: memoryMib * 2 ** 20 } },
    quality: { tokensSha256: 'of the text', byChunk: { nll }, perplexity: { value: perplexity } },
  } as unknown as Compared;
}

const q3 = measured('q3', { fileMb: 88.2, memoryMib: 210, perplexity: 46.6 });

t.test('hardly smaller, of more memory and worse', (t) => {
  const q2 = measured('q2', { fileMb: 86.5, memoryMib: 212, perplexity: 354 });
  t.same(costlyTypes([q2, q3]), [
    'q2 costs more than it saves: its file is 1.9 % smaller than that of q3, but it takes more memory (212 MiB beside 210 MiB) and predicts the text worse (perplexity 354.0 beside 46.60).',
  ]);
  t.end();
});

t.test('hardly smaller and worse is said without memory where that is less', (t) => {
  const q2 = measured('q2', { fileMb: 86.5, memoryMib: 208, perplexity: 354 });
  t.match(costlyTypes([q2, q3])[0], /than that of q3, but it predicts the text worse/);
  t.end();
});

t.test('a real saving, an equal text and another model’s widths are no such type', (t) => {
  const saving = measured('iq2', { fileMb: 60, memoryMib: 180, perplexity: 354 });
  const alike = measured('q3-again', { fileMb: 87, memoryMib: 211, perplexity: 46.6 });
  const pruned = measured('p20', { fileMb: 86.5, memoryMib: 212, perplexity: 354, nFf: 1228 });
  for (const model of [saving, alike, pruned]) t.same(costlyTypes([model, q3]), [], model.label);
  t.end();
});
