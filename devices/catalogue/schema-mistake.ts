// What a file does against the catalogue's JSON schema, by ajv, in a sentence that says where and what
// to write. The schema is the one description of the file, for editors and for reading alike.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import schema from './devices.schema.json' with { type: 'json' };

type Described = {
  type?: keyof typeof TYPE_WORDS;
  enum?: string[];
  description?: string;
  properties?: Record<string, Described>;
};

const TYPE_WORDS = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a number',
} as const;

/** Compiled when the first file is read. */
let validate: ReturnType<Ajv2020['compile']> | undefined;

/** The first thing that the schema does not allow in `value`; null where all is well. */
export function findMistake(value: unknown): string | null {
  validate ??= new Ajv2020({ verbose: true }).compile(schema);
  if (validate(value)) return null;
  return sentence(validate.errors?.[0] as ErrorObject);
}

function sentence({ keyword, instancePath, params, parentSchema, data }: ErrorObject): string {
  const where = `the file${instancePath.replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')}`;
  const described = parentSchema as Described;
  const known = described.properties ?? {};
  switch (keyword) {
    case 'additionalProperties':
      return `${where} has the unknown key ${show(params['additionalProperty'])}; known are ${Object.keys(known).join(', ')}`;
    case 'required':
      return `${where} has no ${params['missingProperty']}${hint(known[params['missingProperty']])}`;
    default:
      return `${where} is ${show(data)}${expectation(described)}`;
  }
}

function expectation(described: Described): string {
  const word = TYPE_WORDS[described.type ?? 'string'];
  const isNested = described.type === 'object' || described.type === 'array';
  return (isNested ? '' : hint(described)) || `; expected ${word}`;
}

function hint(described: Described | undefined): string {
  if (described?.enum) return `; expected ${described.enum.join(' or ')}`;
  return described?.description ? `; expected ${described.description}` : '';
}

const MAX_SHOWN_CHARACTERS = 60;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
