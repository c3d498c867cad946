// Grammars of patterns, multiples and tuples tried value by value: llama.cpp says what the grammar takes, ajv what the
// schema does.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import t from 'tap';
import { GrammarError } from '../../../runtime/grammar/grammar-rules.js';
import { jsonSchemaGrammar } from '../../../runtime/grammar/json-schema-grammar.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import type { GrammarCases } from './llama-accepts.js';

const PATTERNS = [
  '^[a-z]{2,4}-\\d+$',
  'abc',
  '^a|b$',
  '(^a$)|(^bc?$)',
  '^(\\([0-9]{3}\\) ?)?[0-9]{3}-[0-9]{4}$',
  '^(?:(?:ab)+|c{2,}d?)*$',
  '^[^"\\\\a-y]+$',
  '^"[\\t\\n\\u0007]*"$',
  '^[\\w.+-]+@[a-z]+\\.[a-z]{2,3}$',
  '^\\u{1F600}[\\u00e0-\\u00ff]?$',
  '^\\ud83d\\ude00+$',
  '^(?<year>\\d{4})(-\\d\\d){0,2}$',
  '^\\S+\\s\\S+$',
  '^.$',
  '^a{0}b{2}$',
  '^$',
  '',
  '^[-a\\]]+?$',
  '^\\x41\\cJ?[\\b]*$',
];

/** Near to what the patterns find, so that either answer comes often. */
const TEXTS = [
  ...['', 'a', 'b', 'bc', 'ab', 'abab', 'ccd', 'abccd', 'cc', 'c', 'xabcx', 'abc', 'ba', 'bb'],
  ...['ab-1', 'abcd-12', 'abcde-1', 'a-1', 'ab-', '555-1234', '(212) 555-1234', '(212)555-1234'],
  ...[
    '"',
    '""',
    '"\t\n"',
    '"\u0007"',
    '"x"',
    '\\',
    'z',
    'zz\n',
    'z\u007f',
    '\u0000',
    '\n',
    '\u2028',
  ],
  ...['a.b+c@mail.de', 'a@b.c', 'a@b.cde', '@b.de', '😀', '😀à', '😀😀', 'à', '2024', '2024-01-31'],
  ...['2024-1', 'a b', 'a\u00a0b', 'a  b', ' ', '-a]', ']', 'A', 'A\n', 'A\n\b', 'é', '日本'],
];

const MULTIPLES = [
  { type: 'integer', multipleOf: 1 },
  { type: 'integer', multipleOf: 5 },
  { type: 'integer', multipleOf: 7, minimum: -20, maximum: 1120 },
  { type: 'integer', multipleOf: 12, exclusiveMinimum: 0, exclusiveMaximum: 1200 },
  { type: 'integer', multipleOf: 61, minimum: 0 },
  { type: 'integer', multipleOf: 64, maximum: -64 },
  { type: 'integer', multipleOf: 360 },
  { type: 'integer', multipleOf: 1000 },
  { type: 'integer', multipleOf: 86_400, minimum: 0 },
  { type: 'integer', multipleOf: 123_456_789, minimum: 0, maximum: 12_345_678_900 },
  { type: 'number', multipleOf: 25, minimum: 0, maximum: 1000 },
];

const TUPLES = [
  { items: [{ const: 1 }] },
  { items: [{ const: 1 }, { const: 2 }], additionalItems: false },
  { items: [{ const: 1 }, { const: 2 }], additionalItems: { const: 3 }, minItems: 1, maxItems: 4 },
  { items: [{ const: 1 }, { const: 2 }], minItems: 3 },
  { items: [{ const: 1 }, { const: 2 }], maxItems: 1 },
  { prefixItems: [{ const: 1 }, { const: 2 }], items: { const: 3 }, minItems: 2 },
];

t.test('a grammar takes what the schema accepts, and nothing else', async (t) => {
  const schemas = [
    ...PATTERNS.map((pattern) => ({ schema: { type: 'string', pattern }, values: texts() })),
    ...MULTIPLES.map((schema) => ({ schema, values: numbers(schema.multipleOf) })),
    ...TUPLES.map((tuple) => ({ schema: { type: 'array', ...tuple }, values: lists() })),
  ];
  const modelPath = await applianceGguf(t.testdir());
  const taken = accepted({
    modelPath,
    cases: schemas.map(({ schema, values }) => ({
      grammar: jsonSchemaGrammar(schema),
      texts: values.map(jsonText),
    })),
  });
  const [ajv, ajvOfPrefixes] = [new Ajv({ strict: false }), new Ajv2020({ strict: false })];
  for (const [i, { schema, values }] of schemas.entries()) {
    const validate = ('prefixItems' in schema ? ajvOfPrefixes : ajv).compile(schema);
    const differ = values.filter((value, j) => validate(value) !== taken[i]?.[j]);
    t.same(differ, [], JSON.stringify(schema));
    const accepts = values.filter((value) => validate(value)).length;
    t.ok(accepts > 0, `${accepts} of ${values.length} values are the schema's`);
  }
});

t.test('what an expression has that a grammar cannot keep is refused by its name', async (t) => {
  const cases: [schema: object, says: RegExp][] = [
    [{ pattern: '^(?!x)a$' }, /^schema\.pattern has a lookahead "\(\?!", which is not supported/],
    [{ pattern: '(?<=x)a' }, /a lookbehind "\(\?<="/],
    [{ pattern: '\\bword' }, /a word boundary "\\b"/],
    [{ pattern: '^\\p{L}$' }, /a Unicode property "\\p"/],
    [{ pattern: '^\\_\\p{L}$' }, /a Unicode property "\\p"/],
    [{ pattern: '\\Aa\\_' }, /an escape "\\A"/],
    [{ pattern: '(a)\\1' }, /a back reference "\\1"/],
    [{ pattern: '\\1' }, /a back reference "\\1"/],
    [{ pattern: '^(a*)*$' }, /repeats without end what can be empty/],
    [{ pattern: '^a(b$|c)d$' }, /has "\$" inside/],
    [{ pattern: '^a{3000}$' }, /more than 2000 repetitions/],
    [{ pattern: '\\ud83d' }, /half a surrogate pair/],
    [{ pattern: '[\\udc00-\\udfff]' }, /half a surrogate pair/],
    [{ pattern: '[]' }, /a class of no character/],
    [{ pattern: '[' }, /^schema\.pattern cannot be read: .*Unterminated character class/],
    [{ pattern: 5 }, /^schema\.pattern must be a string/],
    [{ pattern: `${'('.repeat(65)}a${')'.repeat(65)}` }, /more than 64 levels of brackets/],
    [{ pattern: '('.repeat(4096) }, /more than 64 levels of brackets/],
    [{ pattern: 'a'.repeat(5000) }, /has 5000 characters; at most 4096/],
    [{ pattern: '^[a-z]+$', maxLength: 5 }, /finds texts of other lengths/],
    [{ type: 'integer', multipleOf: 0.5 }, /^schema\.multipleOf of 0\.5 is not supported/],
    [{ type: 'integer', multipleOf: 0 }, /whole number above 0/],
    [{ type: 'integer', multipleOf: '3' }, /of "3" is not supported/],
    [{ type: 'integer', multipleOf: 97 }, /needs more than 1000 rules/],
    [{ type: 'integer', multipleOf: 2 ** 40 + 1 }, /needs more than 1000 rules/],
    [{ items: [{}, {}], additionalItems: false, minItems: 3 }, /2 schemas, and minItems is 3/],
    [{ prefixItems: [] }, /^schema\.prefixItems must be a list of at least one schema/],
    [{ type: 'integer', multipleOf: 50, minimum: 1, maximum: 49 }, /no multiple of 50 between/],
  ];
  for (const [schema, says] of cases)
    t.throws(() => jsonSchemaGrammar(schema), { name: 'GrammarError', message: says });
  t.ok(jsonSchemaGrammar({ pattern: '^[a-z]{1,4}$', minLength: 1, maxLength: 5 }));
  t.ok(jsonSchemaGrammar({ pattern: '[(]\\('.repeat(80) }));
  // Not well-formed with `u`, as `\_` shows.
  t.same(jsonSchemaGrammar({ pattern: '^😀+\\_$' }), jsonSchemaGrammar({ pattern: '^😀+_$' }));
});

t.test('any expression is taken or refused, and nothing else happens', (t) => {
  const pieces = fc.constantFrom(...'ab(|)[]^$*+?{}2,-.\\dws"'.split(''), '(?:', '{2}', '\\n');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 16 }), (parts) => {
      try {
        jsonSchemaGrammar({ type: 'string', pattern: parts.join('') });
      } catch (error) {
        if (!(error instanceof GrammarError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
  t.end();
});

/** As grammars write it: DEL is escaped, as the other control characters are. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
}

/** Those above, and some at random of the letters in the patterns. */
function texts(): string[] {
  const letters = fc.constantFrom(...'abcdz-05(). "\\\n😀à@]A');
  const random = fc.array(letters, { maxLength: 6 }).map((chars) => chars.join(''));
  return [...TEXTS, ...fc.sample(random, { numRuns: 300, seed: 1 })];
}

/** Of up to 5 items, each of them 1 to 3. */
function lists(): number[][] {
  let longest: number[][] = [[]];
  const all = [...longest];
  for (let length = 1; length <= 5; length++) {
    longest = longest.flatMap((list) => [1, 2, 3].map((item) => [...list, item]));
    all.push(...longest);
  }
  return all;
}

/** Around zero, around multiples, and long ones. */
function numbers(divisor: number): number[] {
  const near = Array.from({ length: 401 }, (_, i) => i - 200);
  const multiples = [1, 2, 9, 10, 11, 99, 100, 8_100_000].flatMap((times) =>
    [-1, 0, 1].flatMap((off) => [times * divisor + off, -times * divisor - off]),
  );
  return [...near, ...multiples].filter((value) => Math.abs(value) < 1e15);
}

function accepted(cases: GrammarCases): boolean[][] {
  const program = path.join(import.meta.dirname, 'llama-accepts.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as boolean[][];
}
