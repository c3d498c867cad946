import t from 'tap';
import { GrammarError } from '../../../runtime/grammar/grammar-rules.js';
import { jsonSchemaGrammar } from '../../../runtime/grammar/json-schema-grammar.js';
import { post, runEngine, runServer } from '../server/running-server.js';

t.test('llama.cpp takes the grammars, and what it then writes keeps the schema', async (t) => {
  const { url } = await runServer(t, await runEngine(t));
  const cases: [schema: object, accepts: (value: never) => boolean][] = [
    [{ type: 'object' }, (v: unknown) => typeof v === 'object'],
    [
      { enum: ['a "quoted" word', 5, null] },
      (v: unknown) => ['a "quoted" word', 5, null].includes(v as never),
    ],
    [{ type: 'string', minLength: 3, maxLength: 5 }, (v: string) => v.length >= 3 && v.length <= 5],
    [
      { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 },
      (v: boolean[]) => v.length === 2 || v.length === 3,
    ],
    [{ type: 'array', maxItems: 0 }, (v: unknown[]) => v.length === 0],
    [{ type: ['integer', 'null'] }, (v: unknown) => v === null || Number.isInteger(v)],
    [{ type: 'integer', minimum: 5, maximum: 30 }, (v: number) => v >= 5 && v <= 30],
    [{ type: 'number', exclusiveMinimum: -1, maximum: 1 }, (v: number) => v > -1 && v <= 1],
    [{ type: 'string', format: 'date' }, (v: string) => /^\d{4}-\d\d-\d\d$/.test(v)],
    [
      { type: 'string', format: 'uuid' },
      (v: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(v),
    ],
    [{ type: 'string', format: 'email' }, (v: string) => /^[^@\s]+@[a-z\d.-]+$/i.test(v)],
    [{ type: 'string', format: 'uri' }, (v: string) => URL.canParse(v)],
    [
      {
        anyOf: [
          { const: 'x' },
          { type: 'object', properties: { y: { type: 'integer' } }, required: ['y'] },
        ],
      },
      (v: { y: number }) => v === ('x' as never) || Number.isInteger(v.y),
    ],
    [
      {
        type: 'object',
        properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
        required: ['b'],
      },
      (v: Record<string, number>) => v.b === 2 && Object.keys(v).every((k) => 'abc'.includes(k)),
    ],
    [
      {
        $ref: '#/$defs/list',
        $defs: {
          list: {
            anyOf: [
              { type: 'null' },
              {
                type: 'object',
                properties: { next: { $ref: '#/$defs/list' } },
                required: ['next'],
              },
            ],
          },
        },
      },
      (v: { next: unknown } | null) => v === null || 'next' in v,
    ],
  ];
  for (const [schema, accepts] of cases)
    for (const seed of [1, 2, 3]) {
      const response = await post(`${url}/v1/completions`, {
        ...{ prompt: 'JSON:', max_tokens: 300, seed, temperature: 1 },
        grammar: jsonSchemaGrammar(schema),
      });
      const { choices } = (await response.json()) as {
        choices: { text: string; finish_reason: string }[];
      };
      const [choice] = choices;
      if (choice?.finish_reason === 'length') continue;
      t.ok(
        accepts(JSON.parse(choice?.text ?? '') as never),
        `${JSON.stringify(schema)}: ${choice?.text}`,
      );
    }
});

t.test('what a grammar cannot keep is refused by its place', async (t) => {
  const cases: [schema: unknown, says: RegExp][] = [
    [{ type: 'array', uniqueItems: true }, /^schema\.uniqueItems is not supported/],
    // Objects that have no text, where a text belongs.
    [{ type: { toString: 1 } }, /^schema\.type must be one of/],
    [{ type: [{ toString: 1 }] }, /^schema\.type must be one of/],
    [{ $ref: { toString: 1 } }, /^schema\.\$ref must be a string/],
    [{ type: 'string', format: { toString: 1 } }, /^schema\.format must be a string/],
    [{ type: 'string', format: 'constructor' }, /^schema\.format "constructor" is not supported/],
    [
      { type: 'object', properties: {}, required: [{ toString: 1 }] },
      /^schema\.required must be a string/,
    ],
    [
      { properties: { a: { minProperties: 3 } } },
      /^schema\.properties\.a\.minProperties is not supported/,
    ],
    [{ type: 'number', minimum: 0.5 }, /^schema\.minimum of 0\.5 is not supported/],
    [{ type: 'integer', exclusiveMinimum: true }, /exclusiveMinimum must be a number/],
    [{ type: 'integer', maximum: 1e300 }, /maximum must be a number of at most 16 digits/],
    [{ type: 'integer', minimum: 3, maximum: 2 }, /leave no integer between them/],
    [{ type: 'number', exclusiveMinimum: 3, maximum: 3 }, /leave no number between them/],
    [{ enum: [1, 5], minimum: 3 }, /minimum beside enum/],
    [{ type: 'object', anyOf: [{}], properties: {} }, /properties beside anyOf/],
    [{ type: 'string', format: 'hostname' }, /format "hostname"/],
    [{ allOf: [{}, {}] }, /allOf with several/],
    [{ anyOf: [{}], properties: {} }, /properties beside anyOf/],
    [{ $ref: 'https://example.org/x' }, /leads nowhere/],
    [{ $ref: '#/$defs/none' }, /leads nowhere/],
    [{ required: ['a'], properties: {} }, /required names "a"/],
    [{ type: 'wizard' }, /type must be one of/],
    [{ minLength: 5, maxLength: 2 }, /contradict/],
    [{ maxItems: 1e9 }, /whole numbers from 0/],
    [false, /must be a JSON schema/],
    [{ enum: [] }, /at least one/],
  ];
  for (const [schema, says] of cases)
    t.throws(() => jsonSchemaGrammar(schema), { name: 'GrammarError', message: says });
  const deep = JSON.parse(`${'{"items":'.repeat(200)}{}${'}'.repeat(200)}`);
  t.throws(() => jsonSchemaGrammar(deep), GrammarError);
});
