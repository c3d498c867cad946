// The rules of a GBNF grammar while it is put together, with those that every JSON needs.
// Rules are named once and shared, so that a schema used twice costs its rules once.

/** The schema or the grammar asks for what cannot be done; the message names the place. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError';
  readonly code = 'HEARTH_GRAMMAR';
}

/** llama.cpp walks every rule at every token: a grammar beyond this would stall the decoding. */
const MAX_RULES = 2_000;

/** At most one space: a model that is unsure would otherwise indent until its tokens are used up. */
const JSON_RULES = {
  ws: '" "?',
  char: String.raw`[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})`,
  string: String.raw`"\"" char* "\""`,
  integer: '"-"? ("0" | [1-9] [0-9]{0,15})',
  number: 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
  boolean: '"true" | "false"',
  null: '"null"',
  date: '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [1-2] [0-9] | "3" [0-1])',
  time: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
  member: 'string ws ":" ws value',
  object: '"{" ws (member (ws "," ws member)*)? ws "}"',
  array: '"[" ws (value (ws "," ws value)*)? ws "]"',
  value: 'object | array | string | number | boolean | null',
} as const;

export type JsonRule = keyof typeof JSON_RULES;

/** Rules of {@link JSON_RULES} that each of them names. */
const NEEDS: Partial<Record<JsonRule, JsonRule[]>> = {
  string: ['char'],
  number: ['integer'],
  member: ['string', 'ws', 'value'],
  object: ['ws', 'member'],
  array: ['ws', 'value'],
  value: ['object', 'array', 'string', 'number', 'boolean', 'null'],
};

export class GrammarRules {
  readonly #rules = new Map<string, string>();
  #count = 0;

  add(body: string): string {
    const name = this.reserve();
    this.define(name, body);
    return name;
  }

  /** A name for a rule that refers to itself. */
  reserve(): string {
    if (++this.#count > MAX_RULES)
      throw new GrammarError(`the schema needs more than ${MAX_RULES} grammar rules`);
    return `r${this.#count}`;
  }

  define(name: string, body: string): void {
    this.#rules.set(name, body);
  }

  /** A rule that JSON itself brings. */
  json(name: JsonRule): string {
    if (!this.#rules.has(name)) {
      this.#rules.set(name, JSON_RULES[name]);
      for (const needed of NEEDS[name] ?? []) this.json(needed);
    }
    return name;
  }

  toGbnf(root: string): string {
    const rules = [...this.#rules].map(([name, body]) => `${name} ::= ${body}\n`);
    return `root ::= ${root}\n${rules.join('')}`;
  }
}

/** Text as a literal of a grammar, which has JSON's escapes; none of ours has control characters. */
export function literal(text: string): string {
  return JSON.stringify(text);
}
