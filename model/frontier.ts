// Which of several models are worth choosing from: those that no other beats in both bytes and quality.
// Better is what pairs of chunks tell; where a text cannot tell two models apart, neither beats the other,
// so that a short text leaves more to choose from, and never fewer.

export type Standing<Model> = {
  model: Model;
  /** Takes no more bytes and is better; the best of those that are. Null on the frontier. */
  beatenBy: Model | null;
};

export type FrontierFigures<Model> = {
  bytesOf: (model: Model) => number;
  /** Mean of what the model loses; orders those that beat, and decides nothing. */
  lossOf: (model: Model) => number;
  /** Whether the text tells that the first one is better. */
  isBetter: (first: Model, second: Model) => boolean;
};

/** From the smallest to the largest. */
export function standingsOf<Model>(
  models: readonly Model[],
  { bytesOf, lossOf, isBetter }: FrontierFigures<Model>,
): Standing<Model>[] {
  const byBytes = [...models].sort((a, b) => bytesOf(a) - bytesOf(b) || lossOf(a) - lossOf(b));
  return byBytes.map((model) => {
    const better = byBytes.filter(
      (other) => bytesOf(other) <= bytesOf(model) && isBetter(other, model),
    );
    const [best = null] = better.sort((a, b) => lossOf(a) - lossOf(b));
    return { model, beatenBy: best };
  });
}
