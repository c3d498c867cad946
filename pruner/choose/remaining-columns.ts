// What is left of a linear layer while groups of its columns go, and what each group would cost: the weight W
// and H, the inverse of its inputs' covariance. When the columns B go, W -= V·Uᵀ and H -= U·Uᵀ with U = H_:B·L⁻ᵀ,
// V = W_B·L⁻ᵀ and L·Lᵀ = H_BB, and the output loses ‖V‖². Both matrices are large and a step is small, so they are
// changed once for many steps (as GPTQ does, Frantar et al. 2023); of what groups cost, only H_gg and W_gᵀ·W_g
// must follow each step. W lies turned, a column of it a row here. Chooses nothing.
import { invert, invertFactor } from '../linear/inverse.js';
import type { Multiply } from '../linear/least-squares.js';
import {
  addScaled,
  dot,
  type Matrix,
  pick,
  pickRows,
  range,
  rowOf,
  rowsOf,
  transpose,
  zeros,
} from '../linear/matrix.js';

export type Remaining = {
  /** `[n, m]`, overwritten. */
  turned: Matrix;
  /** `[n, n]`, overwritten. */
  inverse: Matrix;
  groupSize: number;
  multiply: Multiply;
};

export type RatedGroup = { group: number; cost: number };

/** Columns that go until both matrices are changed. */
const MOST_PENDING = 256;

export class RemainingColumns {
  readonly #size: number;
  readonly #multiply: Multiply;
  /** Without the changes of the columns that have gone since; of those, and of `#groups`, both have all. */
  #turned: Matrix;
  #inverse: Matrix;
  #groups: number[];
  /** Places in `#groups` of those that are left. */
  #left: number[];
  /** U and Vᵀ of the steps since, `[n, p]` and `[p, m]`; zeros behind `#nPending`. */
  #spread: Matrix = zeros(0, 0);
  #taken: Matrix = zeros(0, 0);
  #nPending = 0;
  /** H_gg and W_gᵀ·W_g of all places, one below the other, `[n, size]`; these follow every step. */
  #inverses: Matrix = zeros(0, 0);
  #energies: Matrix = zeros(0, 0);

  private constructor({ turned, inverse, groupSize, multiply }: Remaining) {
    this.#turned = turned;
    this.#inverse = inverse;
    this.#size = groupSize;
    this.#multiply = multiply;
    this.#groups = Array.from(range(0, turned.nRows / groupSize));
    this.#left = [...this.#groups];
  }

  static async open(remaining: Remaining): Promise<RemainingColumns> {
    const opened = new RemainingColumns(remaining);
    await opened.#rateAll();
    return opened;
  }

  /** Those that are left with what each costs, were it to go next, alone. Throws SingularError. */
  async rate(): Promise<RatedGroup[]> {
    const rated: RatedGroup[] = [];
    for (const place of this.#left) {
      const cost = this.#size === 1 ? this.#costOfColumn(place) : await this.#costOf(place);
      rated.push({ group: this.#groups[place] as number, cost });
    }
    return rated;
  }

  /** Takes out some of those that are left, together; returns what that costs. Throws SingularError. */
  async remove(groups: ReadonlySet<number>): Promise<number> {
    await this.#makeRoom(groups.size * this.#size);
    const isLeaving = (place: number) => groups.has(this.#groups[place] as number);
    const columns = this.#columnsOf(this.#left.filter(isLeaving));
    const inverse = await this.#currentInverse(columns);
    const factor = await invertFactor(pickRows(inverse, columns), this.#multiply);
    const spread = await this.#multiply(inverse, factor);
    const weight = transpose(await this.#currentWeight(columns));
    const taken = transpose(await this.#multiply(weight, factor));
    this.#left = this.#left.filter((place) => !isLeaving(place));
    await this.#rateAnew(spread, taken);
    this.#keep(spread, taken);
    return dot(taken.data, taken.data);
  }

  #costOfColumn(place: number): number {
    return (this.#energies.data[place] as number) / (this.#inverses.data[place] as number);
  }

  /** tr(H_gg⁻¹·W_gᵀ·W_g) */
  async #costOf(place: number): Promise<number> {
    const [start, end] = [place * this.#size, (place + 1) * this.#size];
    const inverse = await invert(rowsOf(this.#inverses, start, end), this.#multiply);
    return dot(inverse.data, rowsOf(this.#energies, start, end).data);
  }

  /** H_:B, `[n, |B|]`; H is symmetric. */
  async #currentInverse(columns: number[]): Promise<Matrix> {
    const own = transpose(pickRows(this.#inverse, columns));
    if (this.#nPending > 0)
      addScaled(own, await this.#multiply(this.#spread, pickRows(this.#spread, columns)), -1);
    return own;
  }

  /** W_B turned, `[|B|, m]`. */
  async #currentWeight(columns: number[]): Promise<Matrix> {
    const own = pickRows(this.#turned, columns);
    if (this.#nPending > 0) {
      const spread = pickRows(this.#spread, columns);
      addScaled(own, await this.#multiply(spread, transpose(this.#taken)), -1);
    }
    return own;
  }

  /** What U·Uᵀ and V·Uᵀ change of H_gg and W_gᵀ·W_g: with Q = WᵀV before and R after, U·Uᵀ and U·Rᵀ + Q·Uᵀ. */
  async #rateAnew(spread: Matrix, taken: Matrix): Promise<void> {
    const multiply = this.#multiply;
    const before = await multiply(this.#turned, taken);
    if (this.#nPending > 0)
      addScaled(before, await multiply(this.#spread, await multiply(taken, this.#taken)), -1);
    const after = { ...before, data: before.data.slice() };
    addScaled(after, await multiply(spread, await multiply(taken, taken)), -1);
    addScaled(this.#inverses, await this.#blocks(spread, spread), -1);
    addScaled(this.#energies, await this.#blocks(spread, after), -1);
    addScaled(this.#energies, await this.#blocks(before, spread), -1);
  }

  /** Of A·Bᵀ the squares on the diagonal, one for each group, one below the other. */
  async #blocks(a: Matrix, b: Matrix): Promise<Matrix> {
    const size = this.#size;
    const blocks = zeros(a.nRows, size);
    for (let start = 0; start < a.nRows; start += size) {
      if (size === 1) blocks.data[start] = dot(rowOf(a, start), rowOf(b, start));
      else {
        const [own, other] = [rowsOf(a, start, start + size), rowsOf(b, start, start + size)];
        blocks.data.set((await this.#multiply(own, other)).data, start * size);
      }
    }
    return blocks;
  }

  /** For so many more columns. */
  async #makeRoom(n: number): Promise<void> {
    if (this.#nPending + n <= this.#spread.nCols) return;
    if (this.#nPending > 0) await this.#settle();
    const most = Math.max(n, MOST_PENDING);
    this.#spread = zeros(this.#turned.nRows, most);
    this.#taken = zeros(most, this.#turned.nCols);
  }

  #keep(spread: Matrix, taken: Matrix): void {
    for (let i = 0; i < spread.nRows; i++)
      rowOf(this.#spread, i).set(rowOf(spread, i), this.#nPending);
    this.#taken.data.set(taken.data, this.#nPending * taken.nCols);
    this.#nPending += taken.nRows;
  }

  /** Brings both matrices up to date, without what is gone. */
  async #settle(): Promise<void> {
    const multiply = this.#multiply;
    const columns = this.#columnsOf(this.#left);
    const spread = pickRows(this.#spread, columns);
    const outputs = range(0, this.#turned.nCols);
    const ofInverse = { rows: columns, columns, less: [spread, spread] as const };
    this.#inverse = await subtract(this.#inverse, ofInverse, multiply);
    const ofWeight = {
      rows: columns,
      columns: outputs,
      less: [spread, transpose(this.#taken)] as const,
    };
    this.#turned = await subtract(this.#turned, ofWeight, multiply);
    this.#groups = this.#left.map((place) => this.#groups[place] as number);
    await this.#rateAll();
  }

  async #rateAll(): Promise<void> {
    this.#left = this.#groups.map((_, place) => place);
    [this.#spread, this.#taken, this.#nPending] = [zeros(0, 0), zeros(0, 0), 0];
    this.#energies = await this.#blocks(this.#turned, this.#turned);
    this.#inverses = zeros(this.#inverse.nRows, this.#size);
    for (const place of this.#left) {
      const columns = this.#columnsOf([place]);
      const own = pick(this.#inverse, columns, columns);
      this.#inverses.data.set(own.data, place * own.data.length);
    }
  }

  #columnsOf(places: readonly number[]): number[] {
    return places.flatMap((place) =>
      Array.from({ length: this.#size }, (_, i) => place * this.#size + i),
    );
  }
}

type Subtraction = {
  /** What stays of the matrix; both ascend. */
  rows: ArrayLike<number>;
  columns: ArrayLike<number>;
  /** Of what stays. */
  less: readonly [Matrix, Matrix];
};

/** Rows of a product at a time, which otherwise would be as large as the matrix. */
const PANEL = 512;

/** `matrix[rows, columns] - A·Bᵀ`, in the memory of `matrix`: nothing is written where something is still to be read. */
async function subtract(
  matrix: Matrix,
  { rows, columns, less: [a, b] }: Subtraction,
  multiply: Multiply,
): Promise<Matrix> {
  const [nRows, nCols] = [rows.length, columns.length];
  const smaller = { nRows, nCols, data: matrix.data.subarray(0, nRows * nCols) };
  for (let top = 0; top < nRows; top += PANEL) {
    const product = await multiply(rowsOf(a, top, Math.min(top + PANEL, nRows)), b);
    for (let i = 0; i < product.nRows; i++) {
      const [from, less] = [rowOf(matrix, rows[top + i] as number), rowOf(product, i)];
      const to = rowOf(smaller, top + i);
      for (let j = 0; j < nCols; j++)
        to[j] = (from[columns[j] as number] as number) - (less[j] as number);
    }
  }
  return smaller;
}
