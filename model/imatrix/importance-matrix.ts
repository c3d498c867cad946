// llama.cpp's importance matrix: how large the inputs of each weight are, column by column, so that a
// quantiser rounds with care where it matters. What it is, and what makes one unfit for use.
// Reads and writes nothing.

export type ImportanceMatrix = {
  /** Mean square of each input column, by llama.cpp's name of the weight (`blk.3.ffn_down.weight`). */
  columns: ReadonlyMap<string, Float32Array>;
  /** Names of the texts that it was computed on. */
  datasets: string[];
  /** Chunks of text that it was computed on, and tokens in each; 0 where the file does not say. */
  chunkCount: number;
  chunkSize: number;
  /** Path of the file that it was read from. */
  file?: string;
};

/** Thrown for a file that is no importance matrix; the message names it and what is wrong. */
export class ImportanceMatrixError extends Error {
  override readonly name = 'ImportanceMatrixError';
  readonly code = 'HEARTH_IMATRIX';
  readonly filePath: string;

  constructor(filePath: string, problem: string, options?: ErrorOptions) {
    super(`${filePath}: ${problem}`, options);
    this.filePath = filePath;
  }
}

/** With more, sums within llama.cpp's kernels become infinite, on which they end the process. */
const LARGEST_MEAN_SQUARE = 1e20;

/** Throws unless every mean square is a number that a quantiser can weigh errors with. */
export function checkMeanSquares(values: Float32Array, where: string, filePath: string): void {
  const i = values.findIndex((value) => !(value >= 0 && value <= LARGEST_MEAN_SQUARE));
  if (i >= 0)
    throw new ImportanceMatrixError(
      filePath,
      `${where} has the mean square ${values[i]} in column ${i}; expected 0 to ${LARGEST_MEAN_SQUARE.toExponential()}. The file is damaged, or the model that it was computed with is; make it again`,
    );
}
