// A JSON schema as a GBNF grammar: what a model may write so that the schema accepts it.
// node-llama-cpp's own translation skips the keywords it does not know and makes every property
// required; here a keyword that cannot be kept is refused by name.
import { GrammarError, GrammarRules, type JsonRule, literal } from './grammar-rules.js';
import { multiplesRange } from './multiples.js';
import { boundsOf, integerRange, numberRange } from './number-range.js';
import { patternGrammar } from './pattern-grammar.js';

/**
 * The grammar of all JSON texts that `schema` accepts and that keep the order of its properties.
 * Where `properties` are given, others are written only if `additionalProperties` allows them.
 * Throws {@link GrammarError} for what a grammar cannot keep; `path` leads its message.
 */
export function jsonSchemaGrammar(schema: unknown, path = 'schema'): string {
  const rules = new GrammarRules();
  return rules.toGbnf(new SchemaCompiler(rules, schema, path).compile());
}

type Schema = Record<string, unknown>;

/** They describe and constrain nothing. */
const ANNOTATIONS =
  'title description default examples $schema $id $comment deprecated readOnly writeOnly strict'.split(
    ' ',
  );
/** Keywords that are kept, by the type they belong to. */
const KEYWORDS = {
  any: ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', '$defs', 'definitions'],
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};
const KNOWN = new Set([...ANNOTATIONS, ...Object.values(KEYWORDS).flat()]);
/** Of a host's name, and what follows it in an address. */
const LABEL = '[a-zA-Z0-9] [a-zA-Z0-9-]{0,62}';
const URI = "[a-zA-Z0-9._~%!$&'()*+,;=:@/?-]";
const FORMATS: Record<string, (rules: GrammarRules) => string> = {
  date: (rules) => rules.json('date'),
  time: (rules) => rules.json('time'),
  'date-time': (rules) => `${rules.json('date')} "T" ${rules.json('time')}`,
  uuid: () => '[0-9a-fA-F]{8} ("-" [0-9a-fA-F]{4}){3} "-" [0-9a-fA-F]{12}',
  email: () => `[a-zA-Z0-9._%+-]{1,64} "@" ${LABEL} ("." ${LABEL}){1,4}`,
  uri: () =>
    `[a-z] [a-z0-9+.-]{1,15} "://" [a-zA-Z0-9] [a-zA-Z0-9.-]{0,127} (":" [0-9]{1,5})? ("/" ${URI}{0,512})? ("?" ${URI}{0,512})?`,
};
const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];
/** llama.cpp refuses more repetitions than this. */
const MAX_REPEATS = 2_000;
const MAX_DEPTH = 64;

/** Translates the parts of one document; `$ref` leads only inside it. */
export class SchemaCompiler {
  readonly #rules: GrammarRules;
  readonly #document: unknown;
  readonly #path: string;
  readonly #refs = new Map<string, string>();
  #depth = 0;

  constructor(rules: GrammarRules, document: unknown, path: string) {
    this.#rules = rules;
    this.#document = document;
    this.#path = path;
  }

  compile(): string {
    return this.#value(this.#document, this.#path);
  }

  #value(schema: unknown, path: string): string {
    if (++this.#depth > MAX_DEPTH)
      throw new GrammarError(`${path} is nested deeper than ${MAX_DEPTH} levels`);
    const expression = this.#expression(schema, path);
    this.#depth--;
    return expression;
  }

  #expression(schema: unknown, path: string): string {
    if (schema === true) return this.#rules.json('value');
    if (!isSchema(schema)) throw new GrammarError(`${path} must be a JSON schema object`);
    checkKeywords(schema, path);
    if (schema.$ref !== undefined) return this.#reference(schema, path);
    if (schema.const !== undefined) {
      refuseBeside(schema, 'const', path);
      return literal(JSON.stringify(schema.const));
    }
    if (schema.enum !== undefined) return this.#enum(schema, path);
    for (const name of ['anyOf', 'oneOf', 'allOf'])
      if (schema[name] !== undefined) return this.#combined(schema, name, path);
    return this.#types(schema, path);
  }

  #enum(schema: Schema, path: string): string {
    const { enum: values } = schema;
    if (!Array.isArray(values) || values.length === 0)
      throw new GrammarError(`${path}.enum must be a list of at least one value`);
    refuseBeside(schema, 'enum', path);
    return this.#oneOf(values.map((value) => literal(JSON.stringify(value))));
  }

  #combined(schema: Schema, name: string, path: string): string {
    const parts = schema[name];
    const isList = Array.isArray(parts) && parts.length > 0;
    if (!isList) throw new GrammarError(`${path}.${name} must be a list of at least one schema`);
    refuseBeside(schema, name, path);
    if (name === 'allOf' && parts.length > 1)
      throw new GrammarError(`${path}.allOf with several schemas is not supported`);
    return this.#oneOf(parts.map((part, i) => this.#value(part, `${path}.${name}[${i}]`)));
  }

  #reference(schema: Schema, path: string): string {
    refuseBeside(schema, '$ref', path);
    const ref = stringOf(schema.$ref, `${path}.$ref`);
    const known = this.#refs.get(ref);
    if (known) return known;
    const name = this.#rules.reserve();
    this.#refs.set(ref, name);
    this.#rules.define(name, this.#value(this.#resolve(ref, path), `${path}.$ref`));
    return name;
  }

  #resolve(ref: string, path: string): unknown {
    const parts = /^#(\/.*)?$/.test(ref) ? ref.split('/').slice(1) : null;
    const found = parts
      ?.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>(childOf, this.#document);
    if (found === undefined)
      throw new GrammarError(`${path}.$ref "${ref}" leads nowhere inside the schema`);
    return found;
  }

  #types(schema: Schema, path: string): string {
    const types = typesOf(schema, path);
    return this.#oneOf(types.map((type) => this.#type(type, schema, path)));
  }

  #type(type: string, schema: Schema, path: string): string {
    if (type === 'object') return this.#object(schema, path);
    if (type === 'array') return this.#array(schema, path);
    if (type === 'string') return this.#string(schema, path);
    if (type === 'integer' || type === 'number') return this.#number(type, schema, path);
    return this.#rules.json(type as JsonRule);
  }

  #string(schema: Schema, path: string): string {
    const { minLength, maxLength, pattern, format } = schema;
    if (pattern !== undefined) return this.#pattern(schema, path);
    if (format !== undefined) {
      const name = stringOf(format, `${path}.format`);
      const make = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
      if (make) return `"\\"" ${make(this.#rules)} "\\""`;
      throw new GrammarError(`${path}.format "${format}" is not supported`);
    }
    if (minLength === undefined && maxLength === undefined) return this.#rules.json('string');
    const times = repetition(minLength, maxLength, `${path}.minLength and maxLength`);
    this.#rules.json('string');
    return `"\\"" char${times} "\\""`;
  }

  /** Beside a pattern, which is asserted, a format is a note, as JSON schema has it. */
  #pattern({ pattern, minLength = 0, maxLength }: Schema, path: string): string {
    const text = stringOf(pattern, `${path}.pattern`);
    const found = patternGrammar(this.#rules, text, `${path}.pattern`);
    const most = maxLength === undefined ? Number.POSITIVE_INFINITY : count(maxLength, path);
    if (found.minLength < count(minLength, path) || found.maxLength > most)
      throw new GrammarError(
        `${path}.pattern finds texts of other lengths than ${path}.minLength and maxLength allow; say the length in the pattern, such as ^[a-z]{1,8}$`,
      );
    return `"\\"" ${found.expression} "\\""`;
  }

  #number(type: 'integer' | 'number', schema: Schema, path: string): string {
    if (KEYWORDS.number.every((keyword) => schema[keyword] === undefined))
      return this.#rules.json(type);
    const range = this.#range(type, schema, path);
    if (range !== null) return this.#rules.add(range);
    const between = schema.multipleOf === undefined ? type : `multiple of ${schema.multipleOf}`;
    throw new GrammarError(`${path}.minimum and maximum leave no ${between} between them`);
  }

  /** Multiples of a whole number are whole, whatever the type. */
  #range(type: 'integer' | 'number', schema: Schema, path: string): string | null {
    const bounds = boundsOf(schema, type, path);
    const { multipleOf: divisor } = schema;
    if (divisor === undefined)
      return type === 'integer' ? integerRange(bounds) : numberRange(bounds);
    const place = `${path}.multipleOf`;
    if (!Number.isSafeInteger(divisor) || Number(divisor) < 1)
      throw new GrammarError(
        `${place} of ${JSON.stringify(divisor)} is not supported; expected a whole number above 0`,
      );
    return multiplesRange(this.#rules, bounds, { divisor: Number(divisor), place });
  }

  #array(schema: Schema, path: string): string {
    const { items = true, prefixItems, additionalItems, minItems, maxItems } = schema;
    if (Array.isArray(items))
      return this.#tuple(schema, { first: items, more: additionalItems }, `${path}.items`);
    if (prefixItems !== undefined)
      return this.#tuple(schema, { first: prefixItems, more: items }, `${path}.prefixItems`);
    const item = this.#rules.add(this.#value(items, `${path}.items`));
    const ws = this.#rules.json('ws');
    const times = repetition(minItems, maxItems, `${path}.minItems and maxItems`, -1);
    const least = Number(minItems ?? 0);
    if (maxItems === 0) return `"[" ${ws} "]"`;
    const list = `${item} (${ws} "," ${ws} ${item})${times}`;
    return `"[" ${ws} ${least > 0 ? list : `(${list})?`} ${ws} "]"`;
  }

  /** A schema for each of the `first` items, and one for any `more`; from the last of them to the first. */
  #tuple(
    { minItems, maxItems }: Schema,
    { first, more = true }: { first: unknown; more: unknown },
    path: string,
  ): string {
    if (!Array.isArray(first) || first.length === 0)
      throw new GrammarError(`${path} must be a list of at least one schema`);
    const times = repetition(minItems, maxItems, `${path}: minItems and maxItems`, -first.length);
    const ws = this.#rules.json('ws');
    const after = (item: string) => `${ws} "," ${ws} ${item}`;
    const isClosed = more === false || Number(maxItems) <= first.length;
    if (isClosed && Number(minItems) > first.length)
      throw new GrammarError(`${path} has ${first.length} schemas, and minItems is ${minItems}`);
    let next = isClosed ? '""' : `(${after(this.#value(more, `${path}, others`))})${times}`;
    const taken = first.slice(0, maxItems === undefined ? first.length : Number(maxItems));
    for (const [i, schema] of [...taken.entries()].reverse()) {
      const item = this.#value(schema, `${path}[${i}]`);
      const member = `${i === 0 ? item : after(item)} ${next}`;
      next = this.#rules.add(i < Number(minItems ?? 0) ? member : `(${member})?`);
    }
    return `"[" ${ws} ${next} ${ws} "]"`;
  }

  /**
   * From the last property to the first, two rules each: the members from here on where none came
   * before, and where one did, which then needs a comma.
   */
  #object(schema: Schema, path: string): string {
    const { properties = {}, required = [], additionalProperties } = schema;
    if (!isSchema(properties)) throw new GrammarError(`${path}.properties must be an object`);
    const names = Object.keys(properties);
    checkRequired(required, names, path);
    const ws = this.#rules.json('ws');
    let [first, next] = this.#otherMembers(additionalProperties ?? names.length === 0, path);
    for (const name of names.reverse()) {
      const value = this.#value(properties[name], `${path}.properties.${name}`);
      const member = this.#rules.add(`${literal(JSON.stringify(name))} ${ws} ":" ${ws} ${value}`);
      const isRequired = required.includes(name);
      const after = `${ws} "," ${ws} ${member}`;
      const start = isRequired ? `${member} ${next}` : `${member} ${next} | ${first}`;
      const more = isRequired ? `${after} ${next}` : `(${after})? ${next}`;
      [first, next] = [this.#rules.add(start), this.#rules.add(more)];
    }
    return `"{" ${ws} ${first} ${ws} "}"`;
  }

  #otherMembers(allowed: unknown, path: string): [first: string, next: string] {
    if (allowed === false) return ['""', '""'];
    const value = this.#value(allowed, `${path}.additionalProperties`);
    const [ws, string] = [this.#rules.json('ws'), this.#rules.json('string')];
    const member = this.#rules.add(`${string} ${ws} ":" ${ws} ${value}`);
    const next = this.#rules.add(`(${ws} "," ${ws} ${member})*`);
    return [this.#rules.add(`(${member} ${next})?`), next];
  }

  #oneOf(expressions: string[]): string {
    const [only] = expressions;
    return expressions.length === 1 && only ? only : this.#rules.add(expressions.join(' | '));
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childOf(parent: unknown, name: string): unknown {
  const isOwn = typeof parent === 'object' && parent !== null && Object.hasOwn(parent, name);
  return isOwn ? (parent as Schema)[name] : undefined;
}

function checkKeywords(schema: Schema, path: string): void {
  const unknown = Object.keys(schema).find((keyword) => !KNOWN.has(keyword));
  if (unknown !== undefined) throw new GrammarError(`${path}.${unknown} is not supported`);
}

/** A grammar holds alternatives, not intersections. */
function refuseBeside(schema: Schema, name: string, path: string): void {
  const beside = Object.keys(schema).find(
    (key) =>
      key !== name &&
      !ANNOTATIONS.includes(key) &&
      !['$defs', 'definitions'].includes(key) &&
      (key !== 'type' || name === '$ref'),
  );
  if (beside === undefined) return;
  throw new GrammarError(`${path}.${beside} beside ${name} is not supported`);
}

function typesOf(schema: Schema, path: string): string[] {
  if (schema.type === undefined) return impliedTypes(schema);
  const types: unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
  const isKnown = types.every((type) => typeof type === 'string' && TYPES.includes(type));
  if (!isKnown || types.length === 0)
    throw new GrammarError(`${path}.type must be one of ${TYPES.join(', ')}`);
  return types as string[];
}

function impliedTypes(schema: Schema): string[] {
  const implied = (['object', 'array', 'string', 'number'] as const).filter((type) =>
    KEYWORDS[type].some((keyword) => schema[keyword] !== undefined),
  );
  return implied.length > 0 ? implied : TYPES.filter((type) => type !== 'integer');
}

function checkRequired(
  required: unknown,
  names: string[],
  path: string,
): asserts required is string[] {
  if (!Array.isArray(required)) throw new GrammarError(`${path}.required must be a list of names`);
  const missing = required
    .map((name) => stringOf(name, `${path}.required`))
    .find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new GrammarError(`${path}.required names "${missing}", which properties do not have`);
}

/** Text that a message may quote; what a caller wrote in its place could be anything, and throw at that. */
function stringOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new GrammarError(`${path} must be a string`);
}

/** `{min,max}` of what follows the first element when `offset` is -1. */
function repetition(min: unknown, max: unknown, path: string, offset = 0): string {
  if (min === undefined && max === undefined) return '*';
  const least = count(min ?? 0, path);
  const most = max === undefined ? '' : Math.max(0, count(max, path) + offset);
  if (max !== undefined && Number(max) < least)
    throw new GrammarError(`${path} contradict each other: ${least} and ${max}`);
  return `{${Math.max(0, least + offset)},${most}}`;
}

function count(value: unknown, path: string): number {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_REPEATS)
    return Number(value);
  throw new GrammarError(`${path} must be whole numbers from 0 to ${MAX_REPEATS}`);
}
