// What speed prediction answers: ranges, as one measured figure a class would be a guess.
// Decoding reads every weight once a token, prompts compute; so bandwidth bounds one, arithmetic the other.
// Types alone.

export type Range = { low: number; typical: number; high: number };

export type SpeedPrediction = {
  /** Tokens generated a second, with the context half full. */
  tgTokensPerSecond: Range;
  /** Tokens of prompt a second. */
  ppTokensPerSecond: Range;
  /** What is read for one token: weights without the embedding table, and the KV of half the context. */
  bytesPerToken: number;
  /** One line: how both were derived. */
  basis: string;
};
