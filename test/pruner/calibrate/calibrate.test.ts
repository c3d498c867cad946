// Statistics of inputs against those of a Llama computed by plain loops (test/support/plain-llama.ts), on
// models with alike layers, grouped-query attention and widths that differ from layer to layer.
import { copyFileSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { getLlamaGpuTypes } from 'node-llama-cpp';
import t from 'tap';
import { gramBytes } from '../../../llama/gram-matrix.js';
import { openModel } from '../../../llama/libllama.js';
import { librariesFor } from '../../../llama/model-settings.js';
import { scoreQuality } from '../../../llama/quality/quality-process.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { type CalibrateOptions, calibrate } from '../../../pruner/calibrate/calibrate.js';
import { gramMemory } from '../../../pruner/calibrate/memory-budget.js';
import { cutChunks } from '../../../pruner/calibrate/text-chunks.js';
import { type Calibration, openCalibration } from '../../../pruner/calibration-file.js';
import { convertSample } from '../../support/converted.js';
import { needsTool } from '../../support/needs.js';
import { openPlainLlama, type PlainInputs } from '../../support/plain-llama.js';

const DEFAULT_TEXT = readFileSync(
  new URL('../../../bench/compare/default-text.txt', import.meta.url),
  'utf8',
);

// Mesa's software Vulkan counts as a GPU only where it is named.
process.env.GGML_VK_VISIBLE_DEVICES ??= '0';
const hasVulkan = (await getLlamaGpuTypes('supported')).includes('vulkan');
const folder = t.testdir();
const CHUNK = 32;
const N_TOKENS = 3 * CHUNK;
const text = DEFAULT_TEXT.slice(0, 4_000);

/** As exact as llama.cpp can be. */
const settings = {
  ...{ gpu: false as const, libraries: librariesFor(false), gpuLayers: 0, kvTypeId: 0 },
  ...{ threads: 1, hasFixedThreads: true, flashAttention: false, mmap: false },
};

async function made(
  modelPath: string,
  options: Partial<CalibrateOptions> = {},
): Promise<Calibration> {
  const { output = `${modelPath}.calibration.gguf` } = options;
  const small = { text, nTokens: N_TOKENS, chunkSize: CHUNK, nHeldOut: CHUNK };
  await calibrate({ modelPath, settings, force: true, ...small, ...options, output });
  return await openCalibration(output);
}

/** What plain loops make of the same chunks. */
async function plainInputs(modelPath: string): Promise<{ all: PlainInputs[]; held: number }> {
  const { vocab } = await openModel({ ...settings, modelPath }, () => {});
  const options = { chunkSize: CHUNK, nTokens: N_TOKENS, nHeldOut: CHUNK, bos: vocab.bos };
  const chunks = cutChunks(vocab.tokenize(text), options);
  const llama = await openPlainLlama(modelPath);
  return {
    all: chunks.map(({ tokens }) => llama.inputs(tokens)),
    held: chunks.findIndex(({ heldOut }) => heldOut !== null),
  };
}

for (const sample of ['appliance/dense', 'formats/f_gqa', 'formats/f_global'])
  t.test(`${sample}: sums, squares, Gram matrices and rows`, async (t) => {
    const modelPath = await convertSample(folder, sample, { type: 'F32' });
    const calibration = await made(modelPath, { grams: 'all' });
    const { all, held } = await plainInputs(modelPath);
    for (const [name, found] of calibration.importance.columns)
      t.ok(
        distance(found, meanSquares(all.flatMap((chunk) => chunk.get(name) ?? []))) < 1e-4,
        name,
      );
    t.equal(calibration.importance.columns.size, all[0]?.size, 'every weight, and no other');
    for (const [layer, { attnOutput, ffnDown }] of calibration.layers.entries())
      for (const [weight, found] of Object.entries({
        attn_output: attnOutput,
        ffn_down: ffnDown,
      })) {
        const name = `blk.${layer}.${weight}.weight`;
        if (!found) t.notOk(all[0]?.has(name), `${name} is not there`);
        if (!found) continue;
        const rows = (chunk: PlainInputs | undefined) => chunk?.get(name) ?? [];
        const summed = all.filter((_, i) => i !== held).flatMap(rows);
        t.equal(found.nTokens, N_TOKENS - CHUNK);
        t.ok(distance(found.sum, sums(summed)) < 1e-4, `sum of ${name}`);
        t.ok(distance(await found.readGram(), gramOf(summed)) < 1e-4, `Gram matrix of ${name}`);
        const heldOut = rows(all[held]);
        t.equal(found.nRows, CHUNK);
        t.ok(
          distance(
            await found.readRows(),
            heldOut.flatMap((row) => [...row]),
          ) < 1e-4,
          'rows',
        );
      }
    await calibration.close();
  });

t.test('on a GPU as on the CPU', { skip: !hasVulkan && needsTool('Vulkan') }, async (t) => {
  // The second test made it.
  const modelPath = path.join(folder, 'f_gqa-F32.gguf');
  const own = await made(modelPath, { grams: 'all' });
  const found = await made(modelPath, {
    grams: 'all',
    output: path.join(folder, 'gpu.gguf'),
    settings: { ...settings, gpu: 'vulkan', libraries: librariesFor('vulkan'), gpuLayers: 99 },
  });
  for (const [name, columns] of own.importance.columns)
    t.ok(distance(found.importance.columns.get(name) ?? [], columns) < 1e-2, name);
  for (const [layer, { ffnDown }] of own.layers.entries()) {
    const gram = await found.layers[layer]?.ffnDown?.readGram();
    t.ok(distance(gram ?? [], (await ffnDown?.readGram()) ?? []) < 1e-2, `layer ${layer}`);
  }
  await Promise.all([own.close(), found.close()]);
});

t.test('in passes, where memory is short, all is as in one', async (t) => {
  const modelPath = path.join(folder, 'dense-F32.gguf');
  const whole = await made(modelPath, { grams: 'all' });
  const expected = await Promise.all(whole.layers.map(({ ffnDown }) => ffnDown?.readGram()));
  await whole.close();
  const memoryBytes = 2 ** 30;
  const ofGrams = gramMemory(await readGgufFile(modelPath), {
    settings: { ...settings, modelPath },
    ...{ chunkSize: CHUNK, memoryBytes },
  });
  const beside = memoryBytes - ofGrams;
  const passes = new Set<number>();
  const parts = await made(modelPath, {
    grams: 'all',
    memoryBytes: beside + 2 * gramBytes(768),
    onProgress: ({ pass }) => passes.add(pass),
  });
  t.ok(passes.size > 1, `${passes.size} passes`);
  for (const [layer, { ffnDown, attnOutput }] of parts.layers.entries()) {
    t.equal(distance((await ffnDown?.readGram()) ?? [], expected[layer] ?? []), 0);
    t.ok(attnOutput?.hasGram);
  }
  await parts.close();
  const tooLittle = made(modelPath, { grams: 'all', memoryBytes: beside + 1000 });
  await t.rejects(tooLittle, { message: /the Gram matrix of blk\.0\.attn_output\.weight takes/ });
});

t.test('Gram matrices of some layers, or of none', async (t) => {
  const modelPath = path.join(folder, 'dense-F32.gguf');
  const some = await made(modelPath, { grams: new Set([1, 2]) });
  t.same(
    some.layers.map(({ ffnDown }) => ffnDown?.hasGram),
    [false, true, true, false, false, false],
  );
  t.same(
    some.layers.map(({ ffnDown }) => ffnDown?.nRows),
    [0, 32, 32, 0, 0, 0],
  );
  await t.rejects(async () => void (await some.layers[0]?.ffnDown?.readGram()), {
    code: 'HEARTH_CALIBRATION',
  });
  await some.close();
  const none = await made(modelPath, { nHeldOut: 0 });
  t.match(none.layers[0]?.ffnDown, { hasGram: false, nRows: 0, nTokens: N_TOKENS });
  t.equal((await none.layers[0]?.ffnDown?.readRows())?.length, 0);
  await none.close();
});

t.test('how likely a text is, is what its perplexity says', async (t) => {
  const modelPath = path.join(folder, 'dense-F32.gguf');
  const chunks = { chunkSize: 256, nTokens: 6 * 256 };
  const told: number[] = [];
  const whole = { ...chunks, text: DEFAULT_TEXT.slice(0, 20_000) };
  const calibration = await made(modelPath, { ...whole, onLikelihood: (nats) => told.push(nats) });
  await calibration.close();
  const { vocab } = await openModel({ ...settings, modelPath }, () => {});
  const task = {
    ...{ text: whole.text, nCtx: 256, maxChunks: 4, first: null, tokensSha256: null },
    settings: { ...settings, modelPath },
  };
  const quiet = { signal: new AbortController().signal, onProgress: () => {} };
  const { perplexity } = await scoreQuality(task, quiet);
  const nBytes = Buffer.byteLength(whole.text);
  const expected = (Math.log(perplexity.value) * vocab.tokenize(whole.text).length) / nBytes;
  t.equal(told.length, 1);
  t.ok(Math.abs((told[0] as number) - expected) < 1e-4, `${told}, ${expected}`);
});

t.test('numbers that are not finite are told by layer and chunk, and leave nothing', async (t) => {
  const broken = path.join(t.testdir(), 'broken.gguf');
  copyFileSync(path.join(folder, 'dense-F32.gguf'), broken);
  const { tensors } = await readGgufFile(broken);
  const up = tensors.find(({ name }) => name === 'blk.2.ffn_up.weight');
  writeSync(openSync(broken, 'r+'), Float32Array.of(Number.NaN), 0, 4, up?.offsetBytes ?? 0);
  await t.rejects(made(broken), { message: /layer 2 computes .* in chunk 1 of the text/ });
  t.same(readdirSync(path.dirname(broken)), ['broken.gguf']);
});

t.test('an interrupt ends it and leaves nothing', async (t) => {
  const model = path.join(t.testdir(), 'model.gguf');
  copyFileSync(path.join(folder, 'dense-F32.gguf'), model);
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error('enough'));
  await t.rejects(made(model, { onProgress, signal: stop.signal }), { message: 'enough' });
  t.same(readdirSync(path.dirname(model)), ['model.gguf']);
});

t.test('a text that is too short is told, with its length', async (t) => {
  const modelPath = path.join(folder, 'dense-F32.gguf');
  await t.rejects(made(modelPath, { text: 'Too short.' }), {
    message: /the text is \d+ tokens long, and calibration in chunks of 32 needs at least 64; give/,
  });
});

function meanSquares(rows: Float64Array[]): number[] {
  return sums(rows.map((row) => row.map((x) => x * x))).map((sum) => sum / rows.length);
}

function sums(rows: Float64Array[]): number[] {
  return Array.from(rows[0] ?? [], (_, i) =>
    rows.reduce((sum, row) => sum + (row[i] as number), 0),
  );
}

function gramOf(rows: Float64Array[]): Float64Array {
  const n = rows[0]?.length ?? 0;
  const gram = new Float64Array(n * n);
  for (const row of rows)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        gram[i * n + j] = (gram[i * n + j] as number) + (row[i] as number) * (row[j] as number);
  return gram;
}

/** Of the whole, as a share of its length. */
function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [apart, length] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    apart += ((found[i] ?? Number.NaN) - (expected[i] as number)) ** 2;
    length += (expected[i] as number) ** 2;
  }
  return found.length === expected.length ? Math.sqrt(apart / length) : Number.NaN;
}
