// One pair measured: what it loses on the text beside the dense model, how large it is, what memory it takes.
// The dense model's own predictions wait in the folder, for all pairs and for the next run.
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { MemoryPredictor } from '../../../devices/memory/memory-prediction.js';
import { scoreQuality } from '../../../llama/quality/quality-process.js';
import type { Quality } from '../../../llama/quality/quality-protocol.js';
import type { GpuChoice } from '../../../llama/settings.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { sizedModelOfGguf } from '../../../model/shape/sized-model.js';
import { calibrationSettings } from '../../../pruner/calibrate/calibration-settings.js';
import { parseJson } from '../../../terminal/parse-json.js';
import { showProgressLine } from '../../../terminal/print.js';
import { hearthVersion } from '../../../terminal/version.js';
import { defaultCtx } from '../../measure/points.js';
import { pairName, type RealPair } from './pairs.js';
import type { RealRow } from './real-row.js';
import { commandsOf } from './step.js';

export type HeldOutText = {
  name: string;
  text: string;
  /** Tokens of a chunk. */
  nCtx: number;
  mostChunks: number;
};

export type PairOptions = {
  /** The dense model's name. */
  model: string;
  folder: string;
  text: HeldOutText;
  gpu: GpuChoice;
  threads: number | undefined;
  predictor: MemoryPredictor;
  signal: AbortSignal;
};

/** Whether `row` is what measuring `pair` would give: the same commands, the same text. */
export function isOf(row: RealRow, pair: RealPair, { text }: Pick<PairOptions, 'text'>): boolean {
  return (
    JSON.stringify(row.commands) === JSON.stringify(commandsOf(pair.file)) &&
    row.text_sha256 === sha256(text.text) &&
    row.n_ctx === text.nCtx &&
    row.most_chunks === text.mostChunks
  );
}

export async function loadSettings(file: string, { gpu, threads, text }: PairOptions) {
  const settings = await calibrationSettings({
    ...{ modelPath: file, gpu, threads, chunkSize: text.nCtx },
  });
  return { ...settings, modelPath: file };
}

type Scoring = Parameters<typeof scoreQuality>[0]['first'];

async function score(
  file: string,
  name: string,
  { options, ...task }: { options: PairOptions; first: Scoring; tokensSha256: string | null },
): Promise<Quality> {
  const { text, nCtx, mostChunks: maxChunks } = options.text;
  const settings = await loadSettings(file, options);
  return await scoreQuality(
    { ...task, settings, text, nCtx, maxChunks },
    {
      signal: options.signal,
      onProgress: (progress) => showProgressLine(`${name}: ${progress}`),
    },
  );
}

type Reference = { rowsPath: string; quality: Quality };

/** What the dense model, as `file`, holds for likely. Scored once a folder and text. */
export async function reference(file: string, options: PairOptions): Promise<Reference> {
  const rowsPath = path.join(options.folder, 'dense.rows');
  const record = `${rowsPath}.json`;
  const { text, nCtx, mostChunks } = options.text;
  const of = { text: sha256(text), nCtx, mostChunks, file: await sha256OfFile(`${file}.command`) };
  const known = parseJson(await readFile(record, 'utf8').catch(() => 'null'));
  if (isReference(known) && JSON.stringify(known.of) === JSON.stringify(of))
    return { rowsPath, quality: known.quality };
  const first = { kind: 'write', path: `${rowsPath}.part` } as const;
  const quality = await score(file, 'dense', { options, first, tokensSha256: null });
  await rename(first.path, rowsPath);
  await writeFile(record, JSON.stringify({ of, quality }));
  return { rowsPath, quality };
}

function isReference(value: unknown): value is { of: unknown; quality: Quality } {
  return typeof value === 'object' && value !== null && 'of' in value && 'quality' in value;
}

async function sha256OfFile(file: string): Promise<string> {
  return sha256(await readFile(file, 'utf8'));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `file` is the pair's. Throws `MeasureError`, or the signal's reason. */
export async function measurePair(
  pair: RealPair,
  file: string,
  { rowsPath, quality: dense }: Reference,
  options: PairOptions,
): Promise<RealRow> {
  const isDense = pair.source.maker === 'dense' && pair.type === 'F16';
  const first = { kind: 'read', path: rowsPath } as const;
  const { tokensSha256 } = dense;
  const quality = isDense
    ? dense
    : await score(file, pairName(pair), { options, first, tokensSha256 });
  if (!isDense && !quality.divergence)
    throw new Error('splits the text into other tokens than the dense model');
  return {
    model: options.model,
    source: pair.source.id,
    maker: pair.source.maker,
    type: pair.type,
    imatrix: pair.hasImatrix,
    commands: commandsOf(pair.file),
    ...(await sizesOf(file, options)),
    ...qualityOf(quality, options.text),
    rounds: [],
    speed_refused: null,
    cpu_info: os.cpus()[0]?.model.trim() ?? '',
    cpu_cores: os.cpus().length,
    hearth_version: hearthVersion(),
    measured_at: new Date().toISOString(),
  };
}

async function sizesOf(file: string, options: PairOptions) {
  const gguf = await readGgufFile(file);
  const sized = sizedModelOfGguf(gguf);
  const { gpu, gpuLayers } = await loadSettings(file, options);
  const backend = gpu === false ? 'cpu' : gpu;
  const nCtx = defaultCtx(sized.shape.nCtxTrain);
  const { host, device } = await options.predictor.predict(sized, { backend, nCtx, gpuLayers });
  return {
    size_bytes: gguf.sizeBytes,
    n_params: sized.shape.nParams,
    predicted_bytes: host.totalBytes + (device?.totalBytes ?? 0),
    predicted_kv_bytes: host.kvBytes + (device?.kvBytes ?? 0),
    predicted_n_ctx: nCtx,
    peak_rss_bytes: null,
    backend,
  };
}

function qualityOf({ perplexity, divergence, byChunk, ...counts }: Quality, text: HeldOutText) {
  return {
    text: text.name,
    text_sha256: sha256(text.text),
    n_ctx: text.nCtx,
    most_chunks: text.mostChunks,
    n_chunks: counts.nChunks,
    n_tokens: counts.nTokens,
    perplexity: perplexity.value,
    perplexity_error: perplexity.error,
    kl: divergence?.meanKl.value ?? 0,
    kl_error: divergence?.meanKl.error ?? 0,
    same_top: divergence?.sameTop.value ?? 1,
    nll_by_chunk: byChunk.nll,
    // The dense model does not diverge from itself.
    kl_by_chunk: divergence ? byChunk.kl : byChunk.nll.map(() => 0),
  };
}
