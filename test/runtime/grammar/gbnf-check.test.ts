import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { checkGbnf } from '../../../runtime/grammar/gbnf-check.js';
import { GrammarError } from '../../../runtime/grammar/grammar-rules.js';
import { jsonSchemaGrammar } from '../../../runtime/grammar/json-schema-grammar.js';

const chain = (length: number, body: (next: string) => string): string =>
  Array.from({ length }, (_, i) => `r${i} ::= ${body(`r${i + 1}`)}\n`).join('');

t.test('what takes llama.cpp down or holds it up is refused with the reason', async (t) => {
  const cases: [name: string, grammar: string, says: RegExp][] = [
    ['bounds turned round: memory', 'root ::= "a"{5,2}', /most is below the least/],
    ['brackets: stack', `root ::= ${'('.repeat(1e5)}"a"${')'.repeat(1e5)}`, /nested deeper/],
    ['repeated repetitions: stack', `root ::= "a"${'+'.repeat(1e5)}`, /repeats repetitions/],
    [
      'hidden left recursion: memory',
      'root ::= a root "x" | "y"\na ::= b\nb ::= ""',
      /starts with/,
    ],
    [
      'shared rules that can be empty: never ends',
      `root ::= r0\n${chain(40, (next) => `${next} ${next} | ""`)}r40 ::= "x" | ""`,
      /more than 2000 ways|too often/,
    ],
    [
      'ways to start: never ends',
      `root ::= r0\n${chain(40, (next) => `${next} "x" | ${next} "y"`)}r40 ::= "x"`,
      /more than 2000 ways/,
    ],
    [
      'rules in rules: stack',
      `root ::= r0\n${chain(3500, (next) => `${next} "x"`)}r3500 ::= "x"`,
      /more than 1000 of its rules/,
    ],
    ['repetitions: memory', `root ::= ${'"a"{0,2000} '.repeat(20_000)}`, /500000 elements/],
    ['text repeated: memory', `root ::= "${'a'.repeat(10_000)}"{2000}`, /500000 elements/],
    ['rules', chain(5000, () => '"a"'), /5000 rules/],
    ['characters', `root ::= "${'a'.repeat(300_000)}"`, /300011 characters/],
    ['what llama.cpp would not read', 'root ::= "a"\0 (', /NUL/],
    ['a loop that moves nowhere', 'root ::= ("a"?)*', /can be empty/],
    ['no root', 'other ::= "a"', /no rule named root/],
    ['nothing', '', /no rule named root/],
    ['an unknown rule', 'root ::= missing', /missing, which it does not define/],
    ['a mistake', 'root ::= "a"\nb ::= [a', /line 2: found the end, expected a character/],
    ['a token by name', 'root ::= <think>', /found "<think>", expected a token as <\[id\]>/],
  ];
  for (const [name, grammar, says] of cases)
    t.throws(() => checkGbnf(grammar), { name: 'GrammarError', message: says }, name);
});

t.test("llama.cpp's own grammars are taken", async (t) => {
  const folder = fileURLToPath(
    new URL('../llama/grammars/', import.meta.resolve('node-llama-cpp')),
  );
  const files = readdirSync(folder).filter((file) => file.endsWith('.gbnf'));
  t.ok(files.length >= 5);
  for (const file of files)
    t.equal(refusalOf(readFileSync(path.join(folder, file), 'utf8')), undefined, file);
});

t.test('what it takes, llama.cpp takes, and what it cannot read, llama.cpp cannot', async (t) => {
  const pieces =
    String.raw`"a" "\"" "\x4F" "" [a-z] [^"\]] [-a] [a-] . root x y ( ) | * + ? {2} {0,3} {1,} \ " [ < <[1]> !<[2]> # ::=`
      .split(' ')
      .concat([' ', '\n', '\nx ::= ', '\ny ::= ', '\r\n']);
  const body = fc.array(fc.constantFrom(...pieces), { maxLength: 14 });
  const grammars = fc.sample(body, { numRuns: 3000, seed: 20 }).map((parts, i) => {
    const rules = i % 2 === 0 ? '\nx ::= "x" y?\ny ::= [0-9]+' : '';
    return `root ::= ${parts.join(i % 3 === 0 ? '' : ' ')}${rules}`;
  });
  const told = grammars.map((grammar) => ({ grammar, refusal: refusalOf(grammar) }));
  // What only costs too much, llama.cpp may take, or never come back from.
  const compared = told.filter(
    ({ refusal }) => !/starts with|can be empty|twice/.test(refusal ?? ''),
  );
  const taken = llamaTakes(compared.map(({ grammar }) => grammar));
  compared.forEach(({ grammar, refusal }, i) => {
    if (taken[i] !== (refusal === undefined))
      t.fail(`${JSON.stringify(grammar)}: ${refusal ?? 'taken'}, llama.cpp: ${taken[i]}`);
  });
  t.ok(taken.filter(Boolean).length > 300, 'many are grammars');
  t.ok(taken.filter((is) => !is).length > 300, 'many are none');
});

t.test('any schema is refused by its place or becomes a grammar for llama.cpp', async (t) => {
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom({}, true, false, null, 5),
      tie('node'),
    ),
    node: fc.record(
      {
        type: fc.constantFrom(
          'object',
          'array',
          'string',
          'integer',
          'null',
          ['string', 'null'],
          'x',
        ),
        properties: fc.dictionary(fc.string(), tie('schema'), { maxKeys: 3 }),
        required: fc.array(fc.string(), { maxLength: 1 }),
        additionalProperties: tie('schema'),
        items: tie('schema'),
        minItems: fc.constantFrom(0, 1, 3, -1, 5000),
        maxItems: fc.constantFrom(0, 1, 5, 2000),
        maxLength: fc.constantFrom(0, 2, 2000),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
        const: fc.jsonValue({ maxDepth: 1 }),
        anyOf: fc.array(tie('schema'), { maxLength: 3 }),
        $ref: fc.constantFrom('#', '#/items', '#/none'),
      },
      { requiredKeys: [] },
    ),
  }));
  const grammars: string[] = [];
  for (const one of fc.sample(schema, { numRuns: 2000, seed: 20 }))
    try {
      const grammar = jsonSchemaGrammar(one);
      checkGbnf(grammar);
      grammars.push(grammar);
    } catch (error) {
      if (!(error instanceof GrammarError)) throw error;
    }
  const taken = llamaTakes(grammars);
  grammars.forEach((grammar, i) => {
    if (!taken[i]) t.fail(grammar);
  });
  t.ok(grammars.length > 300);
});

function refusalOf(grammar: string): string | undefined {
  try {
    checkGbnf(grammar);
    return undefined;
  } catch (error) {
    if (error instanceof GrammarError) return error.message;
    throw error;
  }
}

/** Whether llama.cpp's own parser takes each; in a process whose complaints nobody reads. */
function llamaTakes(grammars: string[]): boolean[] {
  const program = path.join(import.meta.dirname, 'llama-takes.js');
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [program], {
    input: JSON.stringify(grammars),
    encoding: 'utf8',
    stdio: 'pipe',
  });
  if (status !== 0)
    throw new Error(`llama.cpp was ended by ${signal ?? status}: ${stderr.slice(-1000)}`);
  return JSON.parse(stdout) as boolean[];
}
