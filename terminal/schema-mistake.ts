// What a file does against a JSON schema, by ajv, in a sentence that says where and what to write.
// Loading ajv takes longer than most commands: import this only where there is a file to check.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

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

const ajv = new Ajv2020({ verbose: true });

/** The first thing that the schema does not allow in `value`; null where all is well. */
export function findMistake(schema: object, value: unknown): string | null {
  const validate = ajv.compile(schema);
  return validate(value) ? null : sentence(validate.errors?.[0] as ErrorObject);
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
