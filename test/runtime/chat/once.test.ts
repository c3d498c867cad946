import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { needs } from '../../support/needs.js';
import { type ChatSetup, prompts, queryLog, runChat, startChat } from './hearth-chat.js';

const skip = needs('sqlite3');

const folder = t.testdir({
  'schema.json': JSON.stringify({
    type: 'object',
    properties: { loud: { type: 'boolean' }, decibels: { enum: [1, 2, 3] } },
    required: ['loud', 'decibels'],
    additionalProperties: false,
  }),
  'colour.gbnf': 'root ::= "red" | "blue"',
  'endless.gbnf': 'root ::= "la " root',
  'hostile.gbnf': String.raw`root ::= "a\x1B]0;owned\x07b\x7Fc\u009Bd\te\nf\rg\x08"`,
});
const modelPath = await applianceGguf(folder);
const file = (name: string): string => path.join(folder, name);

function newSetup(name: string): ChatSetup {
  return { modelPath, stateFolder: path.join(folder, `state-${name}`) };
}

t.test('stdout holds the answer that PyTorch gives, and nothing else', { skip }, async (t) => {
  const setup = newSetup('answers');
  for (const { question, answer } of prompts.slice(0, 2)) {
    const told = await runChat(setup, ['--once', question]);
    t.same(told, { status: 0, stdout: `${answer}\n`, stderr: '' });
    const piped = await runChat(setup, ['--no-log'], `${question}\n`);
    t.same(piped, told);
  }
  t.same(queryLog(setup, 'SELECT endpoint, stop_reason, prompt, error_code FROM answers'), [
    { endpoint: 'chat', stop_reason: 'eos', prompt: null, error_code: null },
    { endpoint: 'chat', stop_reason: 'eos', prompt: null, error_code: null },
  ]);
});

t.test('figures go to stderr when asked for, as the log has them', { skip }, async (t) => {
  const setup = newSetup('figures');
  const [{ question, answer } = { question: '', answer: '' }] = prompts;
  const { stdout, stderr } = await runChat(setup, [
    ...['--once', question, '--verbose', '--log-text', '--ctx', '512'],
  ]);
  t.equal(stdout, `${answer}\n`);
  const [row = {}] = queryLog(setup, 'SELECT * FROM answers');
  const speed = Number(row.tokens_per_second).toFixed(1);
  const mib = (Number(row.rss_bytes) / 2 ** 20).toFixed(0);
  t.equal(
    stderr,
    `TTFT ${Number(row.ttft_ms).toFixed(0)} ms · ${speed} tok/s · ${row.generated_tokens} tokens · prompt ${row.prompt_tokens} · context ${row.context_used}/512 · RSS ${mib} MiB\n`,
  );
  t.equal(row.answer, answer);
  t.same(JSON.parse(String(row.prompt)), [{ role: 'user', content: question }]);
});

t.test('sampling, limits and grammars reach the model', { skip }, async (t) => {
  const setup = newSetup('flags');
  const [{ question, answer } = { question: '', answer: '' }] = prompts;
  const ask = async (...options: string[]) => {
    const { stdout, stderr } = await runChat(setup, ['--once', question, ...options]);
    return { answer: stdout.slice(0, -1), stderr };
  };
  const hot = ['--temperature', '2', '--top-k', '0', '--top-p', '1', '--min-p', '0', '--seed'];
  const first = await ask(...hot, '7');
  t.not(first.answer, answer);
  t.same(await ask(...hot, '7'), first);
  t.not((await ask(...hot, '8')).answer, first.answer);
  t.same(await ask('--temperature', '5', '--top-k', '1'), { answer, stderr: '' });

  const short = await ask('--max-tokens', '3');
  t.ok(answer.startsWith(short.answer) && short.answer.length < answer.length);
  t.equal(short.stderr, 'cut off at --max-tokens\n');
  const word = answer.split(' ')[2] ?? '';
  const stopped = await ask('--stop', 'nowhere', '--stop', word);
  t.equal(stopped.answer, answer.slice(0, answer.indexOf(word)));

  t.match((await ask('--grammar', file('colour.gbnf'))).answer, /^(red|blue)$/);
  const json = JSON.parse((await ask('--json-schema', file('schema.json'))).answer);
  t.match(json, { loud: Boolean, decibels: Number });

  const [, log = {}] = queryLog(setup, 'SELECT * FROM answers ORDER BY prompt_tokens LIMIT 2');
  await ask('--system', 'Answer as a pirate.');
  const [pirate = {}] = queryLog(setup, 'SELECT * FROM answers ORDER BY id DESC LIMIT 1');
  t.ok(Number(pirate.prompt_tokens) > Number(log.prompt_tokens), 'the system prompt is part of it');
});

t.test('control characters of an answer are shown, never sent', async (t) => {
  const setup = newSetup('hostile');
  const { stdout } = await runChat(setup, ['--once', 'Hi', '--grammar', file('hostile.gbnf')]);
  t.equal(stdout, 'a␛]0;owned␇b␡c\\x9bd\te\nf␍g␈\n');
});

t.test('what does not fit is refused, or cut and said', { skip }, async (t) => {
  const setup = newSetup('overflow');
  const long = 'How loud is it? '.repeat(200);
  const refused = await runChat(setup, [], long);
  t.equal(refused.status, 1);
  t.match(
    refused.stderr,
    /^hearth: the prompt needs (at least )?\d+ tokens, but the context has 511/,
  );
  t.equal(refused.stdout, '');
  const endless = ['--once', 'Sing', '--grammar', file('endless.gbnf'), '--ctx', '256'];
  const cut = await runChat(setup, endless);
  t.match(cut.stdout, /^la[la ]*\n$/);
  t.equal(cut.stderr, 'cut off: the context of 256 tokens is full; start with a larger --ctx\n');
  t.match(queryLog(setup, 'SELECT stop_reason, error_code FROM answers ORDER BY id'), [
    { stop_reason: null, error_code: 'HEARTH_CONTEXT_OVERFLOW' },
    { stop_reason: 'context', error_code: null },
  ]);
});

t.test('Ctrl-C ends an answer for a script with 130 and leaves its row', { skip }, async (t) => {
  const setup = newSetup('interrupted');
  const child = startChat(setup, [
    ...['--once', 'Sing', '--grammar', file('endless.gbnf'), '--ctx', '16384'],
  ]);
  const ended = once(child, 'close');
  const stdout = child.stdout ? text(child.stdout) : '';
  child.stdout?.once('data', () => child.kill('SIGINT'));
  t.same(await ended, [130, null]);
  // The first token may be all that there was time for.
  t.match(await stdout, /^l[la ]*\n$/);
  t.match(queryLog(setup, 'SELECT stop_reason FROM answers'), [{ stop_reason: 'abort' }]);
});

t.test('a reader that has seen enough ends the answer and leaves its row', { skip }, async (t) => {
  const setup = newSetup('reader-gone');
  const child = startChat(setup, [
    ...['--once', 'Sing', '--grammar', file('endless.gbnf'), '--ctx', '16384'],
  ]);
  const ended = once(child, 'close');
  const stderr = child.stderr ? text(child.stderr) : '';
  child.stdout?.once('data', () => child.stdout?.destroy());
  t.same(await ended, [0, null]);
  t.equal(await stderr, 'stopped\n');
  t.match(queryLog(setup, 'SELECT stop_reason FROM answers'), [{ stop_reason: 'abort' }]);
});

t.test('a missing model is one error', async (t) => {
  const setup = { ...newSetup('missing'), modelPath: file('none.gguf') };
  const { status, stdout, stderr } = await runChat(setup, ['--once', 'Hi']);
  t.match({ status, stdout }, { status: 1, stdout: '' });
  t.match(stderr, /^hearth: .*none\.gguf cannot be read: .*\n$/);
});
