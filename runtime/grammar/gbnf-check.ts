// Refuses grammars on which llama.cpp would abort, fill the memory or never come back.
// Its parser expands repetitions and follows first rules without bound, in the process and thread
// that serve everybody; all of that can be counted before, in time linear in the grammar.
// An ambiguous grammar can still grow while an answer is written: the scheduler watches for it.
import { type GbnfElement, optionalCopies, parseGbnf, sizeOf } from './gbnf-parser.js';
import { GrammarError } from './grammar-rules.js';

const MAX_CHARS = 256 * 1024;
const MAX_NAMED_RULES = 4_000;
/** Elements after repetitions are written out; llama.cpp holds 8 bytes for each. */
const MAX_ELEMENTS = 500_000;
/** Rules that start with each other; llama.cpp calls itself for each. */
const MAX_DEPTH = 1_000;
/** Calls of llama.cpp's search for left recursion, which visits shared rules again and again. */
const MAX_CALLS = 5_000_000;
/** Ways in which a rule can start; llama.cpp compares each with each. */
const MAX_STARTS = 2_000;

/** Throws {@link GrammarError} that says what is wrong with a grammar for llama.cpp. */
export function checkGbnf(text: string): void {
  if (text.length > MAX_CHARS)
    throw new GrammarError(`it has ${text.length} characters; at most ${MAX_CHARS} are taken`);
  const rules = parseGbnf(text);
  if (rules.size > MAX_NAMED_RULES)
    throw new GrammarError(`it has ${rules.size} rules; at most ${MAX_NAMED_RULES} are taken`);
  if (!rules.has('root')) throw new GrammarError('it has no rule named root');
  new GbnfChecker(rules).check();
}

type Alternatives = GbnfElement[][];
/** What llama.cpp does before the first character of something. */
type StartCost = { starts: number; calls: number };

class GbnfChecker {
  readonly #rules: ReadonlyMap<string, Alternatives>;
  readonly #nullable = new Set<string>();
  readonly #costs = new Map<string, StartCost | 'in progress'>();
  #elements = 0;
  #calls = 0;
  #depth = 0;

  constructor(rules: ReadonlyMap<string, Alternatives>) {
    this.#rules = rules;
  }

  check(): void {
    this.#findNullable();
    for (const alternatives of this.#rules.values()) this.#count(alternatives);
    for (const name of this.#rules.keys()) this.#calls += this.#ruleCost(name).calls;
    if (this.#calls > MAX_CALLS) throw new GrammarError('its rules refer to each other too often');
  }

  #count(alternatives: Alternatives): void {
    for (const sequence of alternatives)
      for (const element of sequence) {
        this.#elements += sizeOf(element);
        this.#countInside(element);
      }
    this.#elements += alternatives.length;
    if (this.#elements > MAX_ELEMENTS)
      throw new GrammarError(`it has more than ${MAX_ELEMENTS} elements with its repetitions`);
  }

  #countInside(element: GbnfElement): void {
    if (element.kind === 'rule' && !this.#rules.has(element.name))
      throw new GrammarError(`it names the rule ${element.name}, which it does not define`);
    if (element.kind === 'group') this.#count(element.alternatives);
    if (element.kind !== 'repeat') return;
    if (element.max === Number.POSITIVE_INFINITY && this.#isNullable(element.element))
      throw new GrammarError('it repeats without end what can be empty');
    this.#elements += optionalCopies(element) * (sizeOf(element.element) + 3);
    this.#countInside(element.element);
  }

  #findNullable(): void {
    let found: number;
    do {
      found = this.#nullable.size;
      for (const [name, alternatives] of this.#rules)
        if (!this.#nullable.has(name) && this.#anyNullable(alternatives)) this.#nullable.add(name);
    } while (this.#nullable.size > found);
  }

  #anyNullable(alternatives: Alternatives): boolean {
    return alternatives.some((sequence) => sequence.every((element) => this.#isNullable(element)));
  }

  #isNullable(element: GbnfElement): boolean {
    switch (element.kind) {
      case 'terminal':
        return element.size === 0;
      case 'rule':
        return this.#nullable.has(element.name);
      case 'group':
        return this.#anyNullable(element.alternatives);
      case 'repeat':
        return element.min === 0 || this.#isNullable(element.element);
      default:
        throw new Error(`unknown element ${JSON.stringify(element satisfies never)}`);
    }
  }

  #ruleCost(name: string): StartCost {
    const known = this.#costs.get(name);
    if (known === 'in progress')
      throw new GrammarError(`its rule ${name} starts with itself (left recursion)`);
    if (known) return known;
    this.#costs.set(name, 'in progress');
    const cost = this.#alternativesCost(this.#rules.get(name) as Alternatives);
    this.#costs.set(name, cost);
    return cost;
  }

  #alternativesCost(alternatives: Alternatives): StartCost {
    if (++this.#depth > MAX_DEPTH)
      throw new GrammarError(`more than ${MAX_DEPTH} of its rules start with each other`);
    const total = { starts: 1, calls: 1 };
    for (const sequence of alternatives)
      for (const element of sequence) {
        const { starts, calls } = this.#elementCost(element);
        total.starts += starts;
        total.calls += calls;
        if (!this.#isNullable(element)) break;
      }
    this.#depth--;
    if (total.starts <= MAX_STARTS) return total;
    throw new GrammarError(`one of its rules can start in more than ${MAX_STARTS} ways`);
  }

  #elementCost(element: GbnfElement): StartCost {
    switch (element.kind) {
      case 'terminal':
        return { starts: Math.min(1, element.size), calls: 0 };
      case 'rule':
        return this.#ruleCost(element.name);
      case 'group':
        return this.#alternativesCost(element.alternatives);
      case 'repeat':
        return this.#repeatCost(element);
      default:
        throw new Error(`unknown element ${JSON.stringify(element satisfies never)}`);
    }
  }

  /** Where what is repeated can be empty, each copy can be the first. */
  #repeatCost(repeat: Extract<GbnfElement, { kind: 'repeat' }>): StartCost {
    const { starts, calls } = this.#elementCost(repeat.element);
    const copies = repeat.min + optionalCopies(repeat);
    const first = this.#isNullable(repeat.element) ? copies : 1;
    this.#calls += copies * first * (calls + 1);
    return { starts: first * starts, calls: first * (calls + 1) };
  }
}
