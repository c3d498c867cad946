// The points that are measured, named as llama-bench names them: pp512, tg128, tg128 @ d2048.
// Long-context points stand half way and at the end of the context, where a chat spends its life.

export type MeasuredPoint = {
  /** Tokens of prompt; 0 where it generates. */
  nPrompt: number;
  /** Tokens generated; 0 where it reads a prompt. */
  nGen: number;
  /** Tokens that are in the context before. */
  nDepth: number;
};

export const N_PROMPT = 512;
export const N_GEN = 128;

/** Filling a longer context takes an hour on a board. */
const MAX_DEFAULT_CTX = 4096;

/** The context that is measured where none is asked for, of a model trained on `nCtxTrain` tokens. */
export function defaultCtx(nCtxTrain: number): number {
  return Math.min(nCtxTrain, MAX_DEFAULT_CTX);
}

/** All that fit into `nCtx`, at `depths` beside the empty context. */
export function pointsUpTo(
  nCtx: number,
  depths: readonly number[] = longDepths(nCtx),
): MeasuredPoint[] {
  const points = [0, ...depths].flatMap((nDepth) => [
    { nPrompt: N_PROMPT, nGen: 0, nDepth },
    { nPrompt: 0, nGen: N_GEN, nDepth },
  ]);
  return points.filter((point) => contextOf(point) <= nCtx);
}

/** Tokens that a context for this point must hold. */
export function contextOf({ nPrompt, nGen, nDepth }: MeasuredPoint): number {
  return nPrompt + nGen + nDepth;
}

export function pointName({ nPrompt, nGen, nDepth }: MeasuredPoint): string {
  const parts = [nPrompt > 0 ? `pp${nPrompt}` : '', nGen > 0 ? `tg${nGen}` : ''];
  const depth = nDepth > 0 ? ` @ d${nDepth}` : '';
  return parts.filter((part) => part !== '').join('+') + depth;
}

/** Half way, and so that a prompt just fits behind. */
function longDepths(nCtx: number): number[] {
  const depths = [Math.floor(nCtx / 2), nCtx - N_PROMPT];
  return [...new Set(depths)].filter((depth) => depth > 0);
}
