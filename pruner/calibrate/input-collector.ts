// Sums up the inputs of a model's weights while llama.cpp computes a text: squares for the importance
// matrix, and of those that pruning cuts also the inputs themselves and their Gram matrices.
// Products of the same input (q, k and v; gate and up) share their sums, and are looked at once.
// Keeps no rows: those that are held out go to the file.
import type { GramComputer, GramMatrix } from '../../llama/gram-matrix.js';
import { N_UBATCH } from '../../llama/model-settings.js';
import type { WeightInput, WeightListener } from '../../llama/weight-inputs.js';
import type { CalibrateTask, CutTask } from './calibrate-protocol.js';
import type { CalibrationWriter } from './calibration-writer.js';
import type { Chunk } from './text-chunks.js';

type Sums = { squares: Float64Array; nTokens: number };
type CutSums = { task: CutTask; sum: Float64Array; gram: GramMatrix | null };

/** What is being computed: tokens of a chunk from `start` on. */
type Batch = {
  chunk: Chunk;
  start: number;
  /** Computed to its end, past what is looked at here. */
  isWhole: boolean;
};

type CollectorOptions = Pick<CalibrateTask, 'weights' | 'cuts' | 'overflowAdvice'> & {
  writer: CalibrationWriter;
  grams: GramComputer | null;
  /** Of a chunk that is held out, every `stride`th row is kept. */
  heldOut: { stride: number; perChunk: number };
};

/** Squares add up to less, or the file's float32 cannot hold them. */
const MOST_SQUARES = 3.4e38;

export class InputCollector implements WeightListener {
  readonly #options: CollectorOptions;
  readonly #nCols: ReadonlyMap<string, number>;
  readonly #sums = new Map<string, Sums>();
  readonly #cuts: ReadonlyMap<string, CutSums>;
  readonly #rows: Float32Array;
  #wanted: ReadonlySet<string> = new Set();
  #isFirstPass = true;
  #batch: Batch | null = null;
  /** Of the graph that is being computed. */
  readonly #inputs = new Map<bigint, string>();
  readonly #met = new Set<string>();

  constructor(options: CollectorOptions) {
    const { weights, cuts } = options;
    this.#options = options;
    this.#nCols = new Map(weights.map(({ name, nCols }) => [name, nCols]));
    this.#cuts = new Map(
      cuts.map((task) => [task.name, { task, sum: new Float64Array(task.nCols), gram: null }]),
    );
    this.#rows = new Float32Array(N_UBATCH * Math.max(...this.#nCols.values()));
  }

  /** The first pass looks at all inputs, the others only at those whose Gram matrix they sum. */
  startPass(pass: readonly CutTask[], isFirst: boolean): void {
    this.#isFirstPass = isFirst;
    this.#wanted = new Set(isFirst ? this.#nCols.keys() : pass.map(({ name }) => name));
    for (const { name, nCols } of pass)
      (this.#cuts.get(name) as CutSums).gram = this.#options.grams?.open(nCols) ?? null;
  }

  finishPass(): void {
    for (const [name, cut] of this.#cuts) {
      if (cut.gram === null) continue;
      this.#options.writer.gram(name, cut.gram.finish());
      cut.gram.close();
      cut.gram = null;
    }
  }

  /** Before llama.cpp computes the next tokens, in one graph. */
  startBatch(batch: Batch): void {
    this.#batch = batch;
    this.#inputs.clear();
    this.#met.clear();
  }

  /** After all passes. Throws where a weight of the file was never used. */
  finish(): void {
    const { writer } = this.#options;
    for (const name of this.#nCols.keys()) {
      const sums = this.#sums.get(name);
      if (!sums)
        throw new Error(`llama.cpp computed nothing with ${name}, of which the file tells`);
      writer.sums(name, sums);
    }
    for (const [name, { sum }] of this.#cuts) writer.mean(name, sum);
  }

  wants({ weight, id, nCols }: WeightInput): boolean {
    if (!this.#wanted.has(weight)) return false;
    if (nCols !== this.#nCols.get(weight))
      throw new Error(
        `the input of ${weight} has ${nCols} columns; expected ${this.#nCols.get(weight)}`,
      );
    this.#met.add(weight);
    const same = this.#inputs.get(id);
    if (same !== undefined && !this.#cuts.has(weight)) {
      this.#sums.set(weight, this.#sumsOf(same));
      return false;
    }
    this.#inputs.set(id, weight);
    return true;
  }

  take(input: WeightInput): boolean {
    const { weight, nRows, nCols } = input;
    input.read(this.#rows);
    if (this.#isFirstPass) this.#addSquares(weight, nRows);
    const cut = this.#cuts.get(weight);
    const rows = this.#rows.subarray(0, nRows * nCols);
    if (cut && this.#chunk.heldOut !== null) this.#keepRows(cut, rows);
    else if (cut) {
      if (this.#isFirstPass) addTo(cut.sum, rows);
      cut.gram?.add(rows, nRows);
    }
    return this.#met.size < this.#wanted.size || (this.#batch as Batch).isWhole;
  }

  get #chunk(): Chunk {
    return (this.#batch as Batch).chunk;
  }

  #sumsOf(weight: string): Sums {
    const known = this.#sums.get(weight);
    if (known) return known;
    const sums = { squares: new Float64Array(this.#nCols.get(weight) as number), nTokens: 0 };
    this.#sums.set(weight, sums);
    return sums;
  }

  #addSquares(weight: string, nRows: number): void {
    const sums = this.#sumsOf(weight);
    const { squares } = sums;
    for (let at = 0, row = 0; row < nRows; row++)
      for (let j = 0; j < squares.length; j++, at++) {
        const x = this.#rows[at] as number;
        squares[j] = (squares[j] as number) + x * x;
      }
    sums.nTokens += nRows;
    // NaN is not less, either.
    if (!squares.every((sum) => sum < MOST_SQUARES)) this.#tellNotFinite(weight);
  }

  #tellNotFinite(weight: string): never {
    const layer = /^blk\.(\d+)\./.exec(weight)?.[1] ?? '?';
    throw new Error(
      `layer ${layer} computes numbers that are not finite in chunk ${this.#chunk.index + 1} of the text: the input of ${weight}; ${this.#options.overflowAdvice}`,
    );
  }

  #keepRows({ task: { name, nCols, hasRows } }: CutSums, rows: Float32Array): void {
    const { stride, perChunk } = this.#options.heldOut;
    const { chunk, start } = this.#batch as Batch;
    if (!hasRows) return;
    for (let row = 0; row * nCols < rows.length; row++) {
      const position = start + row;
      if (position % stride !== 0) continue;
      const index = (chunk.heldOut as number) * perChunk + position / stride;
      this.#options.writer.row(name, index, rows.subarray(row * nCols, (row + 1) * nCols));
    }
  }
}

function addTo(sum: Float64Array, rows: Float32Array): void {
  for (let at = 0; at < rows.length; )
    for (let j = 0; j < sum.length; j++, at++) sum[j] = (sum[j] as number) + (rows[at] as number);
}
