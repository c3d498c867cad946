// Multiples of a whole number between two bounds, as an expression of a GBNF grammar.
// Written digit by digit, a number's remainder follows from the remainder so far and the next digit: a
// rule for each number of digits to come and each remainder is the automaton, and rules that say the same
// are one, which keeps it small where only the last digits count.
import { GrammarError, type GrammarRules } from './grammar-rules.js';
import type { Bounds } from './number-range.js';

/** 15 digits are exact in every reader's floating point. */
const MAX_DIGITS = 15;
const LARGEST_EXACT = 10n ** BigInt(MAX_DIGITS) - 1n;
const MAX_RULES = 1_000;
/** Looked at on the way, of which many are the same rule. */
const MAX_STATES = 2_000;

const NOTHING_MORE = '""';

/** Null where there are none between the bounds. Throws {@link GrammarError} beyond {@link MAX_RULES} rules. */
export function multiplesRange(
  rules: GrammarRules,
  { low, high }: Bounds,
  { divisor, place }: { divisor: number; place: string },
): string | null {
  const automaton = new RemainderAutomaton(rules, divisor, place);
  const least = larger(low.isExclusive ? low.value + 1n : low.value, -LARGEST_EXACT);
  const most = smaller(high.isExclusive ? high.value - 1n : high.value, LARGEST_EXACT);
  if (least > most) return null;
  const negative = least < 0n ? automaton.naturals(most < 0n ? -most : 1n, -least) : null;
  const positive = most >= 0n ? automaton.naturals(least > 0n ? least : 0n, most) : null;
  const parts = [negative && `"-" ${negative}`, positive].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(' | ') : null;
}

/** Digits that come next, and the rule of what follows them. */
type Step = { digit: number; rest: string };

class RemainderAutomaton {
  readonly #rules: GrammarRules;
  readonly #divisor: number;
  readonly #place: string;
  /** With so many digits to come, remainders by this are as good as by the divisor. */
  readonly #moduli: number[];
  readonly #known = new Map<string, string | null>();
  readonly #byBody = new Map<string, string>();

  constructor(rules: GrammarRules, divisor: number, place: string) {
    this.#rules = rules;
    this.#divisor = divisor;
    this.#place = place;
    this.#moduli = [divisor];
    for (let digits = 1; digits <= MAX_DIGITS; digits++) {
      const rest = this.#moduli.at(-1) as number;
      this.#moduli.push(rest / ([10, 5, 2].find((factor) => rest % factor === 0) ?? 1));
    }
  }

  /** A rule of the multiples among the natural numbers from `low` to `high`; null for none. */
  naturals(low: bigint, high: bigint): string | null {
    const [from, to] = [String(low), String(high)];
    const lengths = Array.from({ length: to.length - from.length + 1 }, (_, i) => from.length + i);
    const steps = lengths.flatMap((length) => {
      const first = length === from.length ? from : `1${'0'.repeat(length - 1)}`;
      const last = length === to.length ? to : '9'.repeat(length);
      return this.#steps(first, last, 0);
    });
    return this.#rule(steps);
  }

  /** The digits from `from` to `to`, as long as each other, that make a multiple after a remainder. */
  #rest(from: string, to: string, before: number): string | null {
    const remainder = before % (this.#moduli[from.length] as number);
    if (!this.#hasMultiple(from, to, remainder)) return null;
    if (from === '') return NOTHING_MORE;
    const key = `${from} ${to} ${remainder}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_STATES) this.#refuse();
    const rule = this.#rule(this.#steps(from, to, remainder));
    this.#known.set(key, rule);
    return rule;
  }

  /** Looked up before the digits are gone through, which would be very many. */
  #hasMultiple(from: string, to: string, remainder: number): boolean {
    const [start, divisor] = [BigInt(remainder) * 10n ** BigInt(to.length), BigInt(this.#divisor)];
    const last = start + BigInt(to);
    return last - (last % divisor) >= start + BigInt(from);
  }

  #steps(from: string, to: string, remainder: number): Step[] {
    const [first, last] = [Number(from[0]), Number(to[0])];
    const digits = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    return digits.flatMap((digit) => {
      const start = digit === first ? from.slice(1) : '0'.repeat(from.length - 1);
      const end = digit === last ? to.slice(1) : '9'.repeat(to.length - 1);
      const rest = this.#rest(start, end, remainder * 10 + digit);
      return rest === null ? [] : [{ digit, rest }];
    });
  }

  /** Steps with one digit share what follows, and digits with one rest become one class. */
  #rule(steps: Step[]): string | null {
    if (steps.length === 0) return null;
    const rests = new Map<number, string[]>();
    for (const { digit, rest } of steps) rests.set(digit, [...(rests.get(digit) ?? []), rest]);
    const digits = new Map<string, string>();
    for (const [digit, [only, ...more]] of [...rests].sort(([a], [b]) => a - b)) {
      const rest = more.length > 0 ? this.#shared([only, ...more].join(' | ')) : (only as string);
      digits.set(rest, (digits.get(rest) ?? '') + digit);
    }
    const parts = Array.from(digits, ([rest, found]) => {
      const one = found.length === 10 ? '[0-9]' : `[${found}]`;
      return rest === NOTHING_MORE ? one : `${one} ${rest}`;
    });
    return this.#shared(parts.join(' | '));
  }

  #shared(body: string): string {
    const known = this.#byBody.get(body);
    if (known) return known;
    if (this.#byBody.size >= MAX_RULES) this.#refuse();
    const name = this.#rules.add(body);
    this.#byBody.set(body, name);
    return name;
  }

  #refuse(): never {
    throw new GrammarError(
      `${this.#place} of ${this.#divisor} needs more than ${MAX_RULES} rules of a grammar; a number up to 64 needs fewer, and so does a larger one between closer bounds`,
    );
  }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
