// A quantity that grows as a power of another and is nothing at zero, through what was measured of it: what
// pruning costs by how much goes, and what a type costs by how much it rounds off.

/** Points are measured one after another; before the first, a guess holds. */
export class PowerCurve {
  readonly #exponent: number;
  readonly #guess: Point;
  readonly #points: Point[] = [];

  /** Beyond what was measured, and between two points that contradict it, `exponent` holds. */
  constructor(exponent: number, guess: Point) {
    this.#exponent = exponent;
    this.#guess = guess;
  }

  get isMeasured(): boolean {
    return this.#points.length > 0;
  }

  /** What is not positive says nothing of a power. */
  add(point: Point): void {
    if (!(point.x > 0) || !(point.y > 0)) return;
    this.#points.push(point);
    this.#points.sort((a, b) => a.x - b.x);
  }

  at(x: number): number {
    if (x <= 0) return 0;
    const above = this.#points.findIndex((point) => point.x >= x);
    const [low, high] =
      above < 0 ? [this.#points.at(-1)] : this.#points.slice(above - 1, above + 1);
    if (above > 0 && low && high && high.x > low.x) return between(low, high, x);
    const from = above === 0 ? this.#points[0] : low;
    const { x: x0, y: y0 } = from ?? this.#guess;
    return y0 * (x / x0) ** this.#exponent;
  }
}

export type Point = { x: number; y: number };

/** A straight line between logarithms. */
function between(low: Point, high: Point, x: number): number {
  const share = Math.log(x / low.x) / Math.log(high.x / low.x);
  return low.y * (high.y / low.y) ** share;
}
