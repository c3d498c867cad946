// What a calibration holds beside the importance matrix: of the inputs that pruning cuts, their sums,
// their Gram matrix and some rows. The file is an importance matrix to whoever knows no more.
// Names alone; written by calibrate/calibration-writer.ts, read by calibration-file.ts.

/** The weights whose columns pruning removes, by the middle of their names. */
export const CUT_WEIGHTS = ['attn_output', 'ffn_down'] as const;
export type CutWeight = (typeof CUT_WEIGHTS)[number];

/** `blk.3.ffn_down.weight` */
export function cutWeightName(layer: number, weight: CutWeight): string {
  return `blk.${layer}.${weight}.weight`;
}

/** Sum over the tokens, `[n]`. */
export function meanTensorName(weight: string): string {
  return `${weight}.in_sum`;
}

/** Sum over the tokens of x xᵀ, `[n, n]`. */
export function gramTensorName(weight: string): string {
  return `${weight}.in_gram`;
}

/** Inputs of tokens that are in no other sum but the importance matrix's, `[n, T]`. */
export function rowsTensorName(weight: string): string {
  return `${weight}.in_rows`;
}

export const CALIBRATION_VERSION = 1;

/** Keys of the file's pairs. */
export const CALIBRATION_KEYS = {
  version: 'hearth.calibration.version',
  modelDigest: 'hearth.calibration.model_digest',
  textSha256: 'hearth.calibration.text_sha256',
  /** Of all chunks. */
  nTokens: 'hearth.calibration.tokens',
  /** In the sums and Gram matrices: those that are not held out. */
  nSummed: 'hearth.calibration.summed_tokens',
  /** Rows of `in_rows`. */
  nHeldOut: 'hearth.calibration.held_out_tokens',
} as const;
