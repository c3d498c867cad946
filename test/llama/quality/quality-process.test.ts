// Perplexity, KL divergence and agreement against llama-perplexity's own, built from the sources that
// node-llama-cpp ships (llama/gitRelease.bundle, v0.5.0), linked with its libraries and run on the two
// GGUFs that this test makes, with hearth's default text in a file:
//   llama-perplexity -m dense.gguf -f default.txt -c 128 --chunks 8 --kl-divergence-base base
//   llama-perplexity -m pruned-20.gguf -f default.txt -c 128 --kl-divergence-base base --kl-divergence
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { librariesFor } from '../../../llama/model-settings.js';
import { chunksToTell, comparePaired } from '../../../llama/quality/paired.js';
import { scoreQuality } from '../../../llama/quality/quality-process.js';
import type { QualityTask } from '../../../llama/quality/quality-protocol.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { randomNumbers } from '../../support/random-llama.js';

const DEFAULT_TEXT = new URL('../../../bench/compare/default-text.txt', import.meta.url);

const STOCK = {
  dense: { perplexity: 472402.5833, error: 86013.54928 },
  pruned: {
    perplexity: 646187.6538,
    meanKl: 0.252467,
    meanKlError: 0.015994,
    medianKl: 0.112549,
    p99Kl: 1.598383,
    sameTop: 0.78968,
    sameTopError: 0.01817,
  },
};

const folder = t.testdir();
const rows = { path: path.join(folder, 'rows') };
const { signal } = new AbortController();

type Given = Pick<QualityTask, 'first' | 'tokensSha256'> & Partial<QualityTask>;

async function score(model: string, task: Given) {
  const settings = {
    modelPath: model,
    gpu: false as const,
    libraries: librariesFor(false),
    ...{
      gpuLayers: 0,
      kvTypeId: 1,
      threads: 1,
      hasFixedThreads: true,
      flashAttention: true,
      mmap: false,
    },
  };
  const text = readFileSync(DEFAULT_TEXT, 'utf8').trimEnd();
  const options = { settings, text, nCtx: 128, maxChunks: 8 };
  return await scoreQuality({ ...options, ...task }, { signal, onProgress: () => {} });
}

const within = (found: number | undefined, expected: number, share: number) =>
  Math.abs((found ?? Number.NaN) / expected - 1) < share;

t.test('figures are those of llama-perplexity', async (t) => {
  const dense = await score(await applianceGguf(folder), {
    first: { kind: 'write', ...rows },
    tokensSha256: null,
  });
  t.ok(within(dense.perplexity.value, STOCK.dense.perplexity, 1e-3), 'perplexity within 0.1 %');
  t.ok(within(dense.perplexity.error, STOCK.dense.error, 1e-3));
  t.match(dense, { nChunks: 8, nTokens: 8 * 63, divergence: null });

  const model = await applianceGguf(folder, 'appliance/pruned-20');
  const { tokensSha256 } = dense;
  const pruned = await score(model, { first: { kind: 'read', ...rows }, tokensSha256 });
  t.ok(within(pruned.perplexity.value, STOCK.pruned.perplexity, 1e-3));
  const { meanKl, medianKl, p99Kl, sameTop } = pruned.divergence ?? {};
  t.ok(within(meanKl?.value, STOCK.pruned.meanKl, 1e-3), 'KL divergence');
  t.ok(within(meanKl?.error, STOCK.pruned.meanKlError, 5e-3));
  t.ok(within(medianKl, STOCK.pruned.medianKl, 5e-3));
  t.ok(within(p99Kl, STOCK.pruned.p99Kl, 5e-3));
  t.ok(within(sameTop?.value, STOCK.pruned.sameTop, 5e-3), 'the same likeliest token');
  t.ok(within(sameTop?.error, STOCK.pruned.sameTopError, 5e-3));

  const other = await score(model, { first: { kind: 'read', ...rows }, tokensSha256: 'other' });
  t.equal(other.divergence, null, 'other tokens have no divergence');
});

t.test('two models on one text are told apart pair by pair', async (t) => {
  const task = { nCtx: 32, maxChunks: null, first: null, tokensSha256: null };
  const { byChunk: dense, nChunks } = await score(path.join(folder, 'dense.gguf'), task);
  const { byChunk: pruned } = await score(path.join(folder, 'pruned-20.gguf'), task);
  t.equal(dense.nll.length, nChunks);
  t.ok(nChunks > 40);

  const paired = comparePaired(pruned.nll, dense.nll);
  t.match(paired, { less: 'second', nChunks }, 'which two errors beside each other do not tell');
  t.equal(comparePaired(dense.nll, dense.nll)?.less, 'open');
  t.equal(comparePaired([1], [2]), null, 'one chunk tells nothing');
  t.equal(comparePaired([1, 2, 3], [1, 2]), null);

  // Pairs drawn from real losses: without the difference, and with one of two standard errors.
  const random = randomNumbers(7);
  const [centre, error] = [paired?.difference.value ?? 0, paired?.difference.error ?? 0];
  const claims = (shift: number, drawnChunks = nChunks) => {
    const counts = { first: 0, second: 0, open: 0 };
    for (let pair = 0; pair < 1000; pair++) {
      const drawn = Array.from({ length: drawnChunks }, () =>
        Math.floor(((random() + 1) / 2) * nChunks),
      );
      const own = drawn.map((i) => (pruned.nll[i] as number) - centre + shift);
      const other = drawn.map((i) => dense.nll[i] as number);
      counts[comparePaired(own, other)?.less ?? 'open']++;
    }
    return counts;
  };
  // hearth's own text has three chunks of Llama 2's tokens.
  for (const chunks of [3, 8, nChunks]) {
    const { first, second } = claims(0, chunks);
    t.ok(first + second <= 50, `${first + second} of 1000 false claims of ${chunks} chunks`);
  }
  const apart = claims(2 * error);
  t.ok(apart.second > 300 && apart.first === 0, `${apart.second} of 1000 found`);
});

t.test('chunks that would tell a difference grow with the square of its error', async (t) => {
  const paired = comparePaired([1.1, 0.9, 1.2, 1], [1, 1, 1, 1.05]);
  t.match(paired, { less: 'open' });
  if (paired) t.ok(chunksToTell(paired) > 3 * paired.nChunks);
  // Of few chunks the quantile is large because they are few: it falls with those to come.
  const seen = (value: number, nChunks: number) =>
    chunksToTell({ difference: { value, error: 1 }, nChunks, less: 'open', resolution: 0 });
  t.equal(seen(2, 3), 6);
  t.equal(seen(1, 3), 16);
  t.equal(seen(1, 2), 12);
  t.equal(seen(0, 3), Number.POSITIVE_INFINITY);
});

t.test('a text that is too short is told, with its length', async (t) => {
  const settings = {
    ...{ modelPath: path.join(folder, 'dense.gguf'), gpu: false as const, gpuLayers: 0 },
    libraries: librariesFor(false),
    ...{ kvTypeId: 1, threads: 1, hasFixedThreads: true, flashAttention: true, mmap: false },
  };
  t.ok(existsSync(settings.modelPath));
  const task = { settings, text: 'Too short.', nCtx: 128, maxChunks: null };
  await t.rejects(
    scoreQuality({ ...task, first: null, tokensSha256: null }, { signal, onProgress: () => {} }),
    { message: /the text is \d+ tokens long, and perplexity with chunks of 128 needs 256; give/ },
  );
});
