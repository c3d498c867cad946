// GBNF of a JSON schema, by way of the subset that node-llama-cpp translates.
// The library ignores what it does not know; an answer that looks checked and is not would lie,
// so every keyword is either translated or refused by name. Validates no documents.
import type { Llama } from 'node-llama-cpp';
import { EngineError } from '../engine-error.js';

type LibrarySchema = Parameters<Llama['createGrammarForJsonSchema']>[0];
type Json = Record<string, unknown>;

/** Keywords that say something of people or tools, not of the document. */
const ANNOTATIONS = new Set(
  '$schema $id $comment title description default examples deprecated readOnly writeOnly'.split(
    ' ',
  ),
);
const KEYWORDS = new Set(
  `type properties required additionalProperties minProperties maxProperties items prefixItems
   minItems maxItems minLength maxLength format enum const oneOf anyOf $ref $defs definitions`
    .split(/\s+/)
    .concat(['strict']),
);
const FORMATS = new Set(['date', 'time', 'date-time']);
const MAX_DEPTH = 64;

/** The grammar's text. Throws `bad-request` naming the keyword that cannot be followed. */
export async function gbnfOfSchema(llama: Llama, schema: unknown): Promise<string> {
  const translated = translate(schema, '#', 0);
  try {
    const grammar = await llama.createGrammarForJsonSchema(translated as LibrarySchema);
    return withoutTrailer(grammar.grammar);
  } catch (cause) {
    throw refuse('#', `cannot be made a grammar: ${(cause as Error).message}`);
  }
}

/** The library asks for four line breaks after the document, where the answer should just end. */
function withoutTrailer(gbnf: string): string {
  const [root = '', ...rules] = gbnf.split('\n');
  return [root.replace(/ "(\\n){4}" \[\\n\]\*$/, ''), ...rules].join('\n');
}

function translate(schema: unknown, where: string, depth: number): Json {
  if (depth > MAX_DEPTH) throw refuse(where, `is nested deeper than ${MAX_DEPTH}`);
  if (schema === true) return anyJson();
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw refuse(where, `is ${JSON.stringify(schema)}; expected an object`);
  const known = { ...(schema as Json) };
  for (const key of ANNOTATIONS) delete known[key];
  const unknown = Object.keys(known).find((key) => !KEYWORDS.has(key));
  if (unknown) throw refuse(where, `uses ${JSON.stringify(unknown)}, which cannot be enforced`);
  return { ...definitions(known, where, depth), ...translateBody(known, where, depth) };
}

function definitions(schema: Json, where: string, depth: number): Json {
  const all = { ...(schema['definitions'] as Json), ...(schema['$defs'] as Json) };
  return Object.keys(all).length > 0 ? { $defs: translateAll(all, `${where}/$defs`, depth) } : {};
}

function translateBody(schema: Json, where: string, depth: number): Json {
  if ('$ref' in schema) return { $ref: reference(schema['$ref'], where) };
  const alternatives = schema['oneOf'] ?? schema['anyOf'];
  if (alternatives !== undefined) return { oneOf: translateList(alternatives, where, depth) };
  if ('const' in schema) return { const: schema['const'] };
  if ('enum' in schema) return { enum: list(schema['enum'], where, 'enum') };
  const type = schema['type'] ?? impliedType(schema);
  if (type === undefined) return anyJson();
  if (Array.isArray(type))
    return { oneOf: type.map((one) => translateType({ ...schema, type: one }, where, depth)) };
  return translateType({ ...schema, type }, where, depth);
}

function impliedType(schema: Json): string | undefined {
  if ('properties' in schema || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  if ('minLength' in schema || 'maxLength' in schema || 'format' in schema) return 'string';
  return undefined;
}

function translateType(schema: Json, where: string, depth: number): Json {
  switch (schema['type']) {
    case 'object':
      return object(schema, where, depth);
    case 'array':
      return array(schema, where, depth);
    case 'string':
      return string(schema, where);
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { type: schema['type'] };
    default:
      throw refuse(where, `has the type ${JSON.stringify(schema['type'])}`);
  }
}

function object(schema: Json, where: string, depth: number): Json {
  const properties = schema['properties'] as Json | undefined;
  const additional = schema['additionalProperties'];
  return {
    type: 'object',
    ...(properties && { properties: translateAll(properties, `${where}/properties`, depth) }),
    ...pick(schema, where, ['minProperties', 'maxProperties']),
    additionalProperties:
      typeof additional === 'object'
        ? translate(additional, `${where}/additionalProperties`, depth + 1)
        : (additional ?? properties === undefined),
  };
}

function array(schema: Json, where: string, depth: number): Json {
  const prefix = schema['prefixItems'];
  return {
    type: 'array',
    items: translate(schema['items'] ?? true, `${where}/items`, depth + 1),
    ...(prefix !== undefined && { prefixItems: translateList(prefix, where, depth) }),
    ...pick(schema, where, ['minItems', 'maxItems']),
  };
}

function string(schema: Json, where: string): Json {
  const format = schema['format'];
  if (format === undefined)
    return { type: 'string', ...pick(schema, where, ['minLength', 'maxLength']) };
  if (typeof format === 'string' && FORMATS.has(format)) return { type: 'string', format };
  throw refuse(where, `has the format ${JSON.stringify(format)}, which cannot be enforced`);
}

/** Any JSON value; the library has a rule for it inside objects alone. */
function anyJson(): Json {
  const basic = ['string', 'number', 'boolean', 'null'].map((type) => ({ type }));
  return {
    oneOf: [{ type: 'object', additionalProperties: true }, { type: 'array' }, ...basic],
  };
}

function translateAll(schemas: Json, where: string, depth: number): Json {
  if (typeof schemas !== 'object' || schemas === null) throw refuse(where, 'is not an object');
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      translate(schema, `${where}/${name}`, depth + 1),
    ]),
  );
}

function translateList(schemas: unknown, where: string, depth: number): Json[] {
  return list(schemas, where, 'a list of schemas').map((schema, index) =>
    translate(schema, `${where}/${index}`, depth + 1),
  );
}

function list(value: unknown, where: string, what: string): unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw refuse(where, `needs ${what} with at least one element`);
}

function pick(schema: Json, where: string, names: string[]): Json {
  const picked = names.filter((name) => schema[name] !== undefined);
  for (const name of picked)
    if (!Number.isInteger(schema[name]) || (schema[name] as number) < 0)
      throw refuse(where, `has ${name} ${JSON.stringify(schema[name])}; expected a whole number`);
  return Object.fromEntries(picked.map((name) => [name, schema[name]]));
}

function reference(ref: unknown, where: string): string {
  const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(String(ref))?.[1];
  if (name) return `#/$defs/${name}`;
  throw refuse(where, `refers to ${JSON.stringify(ref)}; only #/$defs/NAME can be followed`);
}

function refuse(where: string, what: string): EngineError {
  return new EngineError({ code: 'bad-request', message: `the JSON schema at ${where} ${what}` });
}
