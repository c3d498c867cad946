// Holds a JSON value against a JSON schema, for the few words of it that the catalogue's schema uses.
// The schema stays the one description of the file, for editors and for reading alike, and messages
// say where and what to write. Not a validator for schemas in general.

export type Schema = {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer';
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly const?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  /** Shown where the value is wrong. */
  readonly description?: string;
};

/**
 * The first thing in `value` that `schema` does not allow, as a sentence that starts with `where`;
 * null where all is well. Keys that the schema does not name are wrong.
 */
export function findMistake(value: unknown, schema: Schema, where: string): string | null {
  switch (schema.type) {
    case 'object':
      return checkObject(value, schema, where);
    case 'array':
      return checkArray(value, schema, where);
    case 'string':
      return checkString(value, schema, where);
    default:
      return checkNumber(value, schema, where);
  }
}

function checkObject(value: unknown, schema: Schema, where: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${where} is ${show(value)}; expected an object`;
  const properties = schema.properties ?? {};
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(properties, key));
  if (unknown !== undefined)
    return `${where} has the unknown key ${show(unknown)}; known are ${Object.keys(properties).join(', ')}`;
  const missing = schema.required?.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${where} has no ${missing}${hint(properties[missing])}`;
  return firstMistake(Object.entries(value), ([key, item]) =>
    findMistake(item, properties[key] as Schema, `${where}.${key}`),
  );
}

function checkArray(value: unknown, schema: Schema, where: string): string | null {
  if (!Array.isArray(value)) return `${where} is ${show(value)}; expected a list`;
  return firstMistake([...value.entries()], ([i, item]) =>
    findMistake(item, schema.items ?? {}, `${where}[${i}]`),
  );
}

function checkString(value: unknown, schema: Schema, where: string): string | null {
  const { enum: choices, pattern, minLength = 0 } = schema;
  const isRight =
    typeof value === 'string' &&
    value.length >= minLength &&
    (!choices || choices.includes(value)) &&
    (!pattern || new RegExp(pattern).test(value));
  return isRight ? null : `${where} is ${show(value)}${hint(schema) || '; expected text'}`;
}

function checkNumber(value: unknown, schema: Schema, where: string): string | null {
  const { type, const: only, minimum = -Infinity, exclusiveMinimum = -Infinity } = schema;
  const isRight =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (type !== 'integer' || Number.isInteger(value)) &&
    (only === undefined || value === only) &&
    value >= minimum &&
    value > exclusiveMinimum;
  return isRight ? null : `${where} is ${show(value)}${hint(schema) || '; expected a number'}`;
}

function firstMistake<T>(items: T[], check: (item: T) => string | null): string | null {
  for (const item of items) {
    const mistake = check(item);
    if (mistake !== null) return mistake;
  }
  return null;
}

function hint(schema: Schema | undefined): string {
  if (schema?.enum) return `; expected ${schema.enum.join(' or ')}`;
  return schema?.description ? `; expected ${schema.description}` : '';
}

const MAX_SHOWN_CHARACTERS = 60;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
