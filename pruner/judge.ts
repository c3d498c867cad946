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
import { judgingTask, type UnprunedScore } from './unpruned-score.js';

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
  unpruned: UnprunedScore;
  densePath: string;
  output: string;
  settings: CalibrationSettings;
  dense: DenseModel;
  repaired: readonly RepairedPart[];
  folder: string;
  signal: AbortSignal;
  onStage: (stage: Stage) => void;
};

/** Throws `MeasureError`, or the signal's reason. */
export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { unpruned, output, settings, repaired, folder, signal, onStage } = options;
  const { text, rowsPath: rows } = unpruned;
  const tell = (part: string, done: number) => onStage({ name: 'judge', part, done, of: 3 });
  tell('without repair', 0);
  const scratch = openScratch(path.join(folder, 'unrepaired'));
  const cut = repaired.map((part) => withoutRepair(options.dense, part, scratch));
  const task = judgingTask({ ...options, text });
  const { scores } = await scoreTrials(
    {
      ...task,
      dense: { kind: 'read', path: rows },
      trials: [cut, repaired].map((parts) => parts.map(asChange)),
    },
    { signal, onScore: (index) => tell(index === 0 ? 'repaired' : 'the file', index + 1) },
  ).finally(() => scratch.close());
  const file = await scoreQuality(
    {
      ...{ text, nCtx: task.nCtx, maxChunks: task.chunks.most },
      settings: { ...settings, modelPath: output },
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
    nTokens: unpruned.nTokens,
    dense: { perplexity: unpruned.perplexity },
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
