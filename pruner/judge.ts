// How far the result is from the unpruned model, on text that neither calibrated nor chose: without the
// repair, with it, and as the file that was written.
import path from 'node:path';
import type { Estimate } from '../llama/quality/definitions.js';
import { scoreQuality } from '../llama/quality/quality-process.js';
import type { CalibrationSettings } from './calibrate/calibration-settings.js';
import type { DenseModel } from './dense-model.js';
import { pickColumns } from './linear/matrix.js';
import { asChange, type RepairedPart } from './repair/repair-parts.js';
import { openScratch } from './scratch.js';
import type { Stage } from './stage.js';
import { scoreTrials } from './trial/trial.js';

export type Judged = { perplexity: number; kl: number };

export type Judgement = {
  /** Positions that were scored. */
  nTokens: number;
  dense: { perplexity: number };
  unrepaired: Judged;
  repaired: Judged;
  /** The file: quantised, too. */
  file: { perplexity: Estimate; kl: Estimate | null };
};

export type JudgeOptions = {
  text: string;
  densePath: string;
  output: string;
  settings: CalibrationSettings;
  dense: DenseModel;
  repaired: readonly RepairedPart[];
  folder: string;
  signal: AbortSignal;
  onStage: (stage: Stage) => void;
};

const N_CTX = 512;
const CHUNKS = 8;
/** Of a text too short for as many. */
const LEAST_CHUNKS = 2;

/** Throws `MeasureError`, or the signal's reason. */
export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { text, densePath, output, settings, repaired, folder, signal, onStage } = options;
  const rows = path.join(folder, 'rows');
  const tell = (part: string, done: number) => onStage({ name: 'judge', part, done, of: 4 });
  tell('dense', 0);
  const scratch = openScratch(path.join(folder, 'unrepaired'));
  const unrepaired = repaired.map((part) => withoutRepair(options.dense, part, scratch));
  const { dense, scores } = await scoreTrials(
    {
      ...{ text, nCtx: N_CTX, settings: { ...settings, modelPath: densePath } },
      chunks: { most: CHUNKS, least: LEAST_CHUNKS },
      dense: { kind: 'write', path: rows },
      base: [],
      trials: [unrepaired, repaired].map((parts) => parts.map(asChange)),
    },
    { signal, onScore: (index) => tell(index === 0 ? 'without repair' : 'repaired', index + 2) },
  ).finally(() => scratch.close());
  tell('the file', 3);
  const file = await scoreQuality(
    {
      ...{ text, nCtx: N_CTX, maxChunks: CHUNKS, settings: { ...settings, modelPath: output } },
      first: { kind: 'read', path: rows },
      tokensSha256: null,
    },
    { signal, onProgress: () => {} },
  );
  const [before, after] = scores.map(({ meanNll, meanKl }) => ({
    perplexity: Math.exp(meanNll),
    kl: meanKl,
  })) as [Judged, Judged];
  return {
    nTokens: dense?.nTokens ?? 0,
    dense: { perplexity: Math.exp(dense?.meanNll ?? Number.NaN) },
    unrepaired: before,
    repaired: after,
    file: { perplexity: file.perplexity, kl: file.divergence?.meanKl ?? null },
  };
}

/** The same part with the columns that it had. */
function withoutRepair(
  dense: DenseModel,
  repaired: RepairedPart,
  scratch: ReturnType<typeof openScratch>,
): RepairedPart {
  const { part, kept } = repaired;
  const name = `${part.module}.weight`;
  const columns = scratch.store(name, pickColumns(dense.readWeight(name), kept));
  const own = dense.readBias(`${part.module}.bias`);
  const source = own && scratch.store(`${part.module}.bias`, own);
  return { ...repaired, columns, bias: own && source ? { source, values: own } : null };
}
