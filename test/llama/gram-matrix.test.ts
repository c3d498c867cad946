// Sums of outer products by ggml against a plain loop in double precision.
import t from 'tap';
import { openGramComputer } from '../../llama/gram-matrix.js';
import { librariesFor } from '../../llama/model-settings.js';

const libraries = librariesFor(false);

for (const [n, batches] of [
  [1, [1]],
  [33, [7, 20]],
  [576, [512, 100]],
  [700, [64, 1]],
] as [number, number[]][])
  t.test(`rows of ${n} in batches of ${batches}`, async (t) => {
    const computer = openGramComputer({ threads: 2, libraries });
    const gram = computer.open(n);
    const all = batches.map((nRows) => randomRows(nRows * n));
    for (const [i, rows] of all.entries()) gram.add(rows, batches[i] as number);
    t.ok(distance(gram.finish(), plainGram(all, n)) < 1e-5);
    gram.close();
    computer.close();
  });

t.test('two sums of other widths side by side', async (t) => {
  const computer = openGramComputer({ threads: 1, libraries });
  const grams = [32, 200].map((n) => ({ n, gram: computer.open(n), rows: randomRows(40 * n) }));
  for (const { gram, rows } of grams) gram.add(rows, 40);
  for (const { gram, rows } of grams) gram.add(rows, 16);
  for (const { n, gram, rows } of grams)
    t.ok(distance(gram.finish(), plainGram([rows, rows.subarray(0, 16 * n)], n)) < 1e-5);
  for (const { gram } of grams) gram.close();
  computer.close();
});

function randomRows(length: number): Float32Array {
  return Float32Array.from({ length }, () => Math.random() * 2 - 0.7);
}

function plainGram(batches: Float32Array[], n: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (const rows of batches)
    for (let row = 0; row < rows.length; row += n)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++)
          gram[i * n + j] =
            (gram[i * n + j] as number) + (rows[row + i] ?? 0) * (rows[row + j] ?? 0);
  return gram;
}

/** Of the largest number. */
function distance(found: Float32Array, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (found[i] as number)) / largest),
    0,
  );
}
