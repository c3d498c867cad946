import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { skipFileWithout } from '../../support/needs.js';
import { type ChatSetup, CTRL_C, CTRL_D, prompts, queryLog, Terminal, UP } from './hearth-chat.js';

skipFileWithout('script', 'sqlite3');

const folder = t.testdir({
  'endless.gbnf': 'root ::= "la " root',
  'hostile.gbnf': String.raw`root ::= "a\x1B[2Jb\u009Bc"`,
  'no-turns.json': '{"messages": [{"role": "user", "content": "Hi"}]}',
});
const modelPath = await applianceGguf(folder);
const file = (name: string): string => path.join(folder, name);
const endless = ['--grammar', file('endless.gbnf'), '--ctx', '16384'];
const [first, second] = prompts.slice(0, 2) as [(typeof prompts)[0], (typeof prompts)[0]];
let setups = 0;

function open(t: Tap, options: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const setup: ChatSetup = { modelPath, stateFolder: file(`state-${setups++}`) };
  return { setup, chat: openAgain(t, setup, options, env) };
}

function openAgain(
  t: Tap,
  setup: ChatSetup,
  options: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Terminal {
  const chat = new Terminal(setup, options, env);
  t.teardown(() => chat.kill());
  return chat;
}

type Tap = { teardown: (end: () => void) => void };

/** Two answers were asked for in it. */
let earlier: ChatSetup;

t.test('answers stream with their figures, and the log has a row each', async (t) => {
  const { setup, chat } = open(t);
  earlier = setup;
  t.match(await chat.ask(first.question), first.answer);
  const shown = await chat.ask(second.question);
  t.match(shown, /TTFT \d+ ms · [\d.]+ tok\/s · \d+ tokens · prompt \d+ \(\d+ cached\)/);
  t.match(shown, /context \d+\/512 · RSS \d+ MiB/);
  await chat.prompt();
  chat.type(CTRL_D);
  t.equal(await chat.end(), 0);
  const rows = queryLog(
    setup,
    'SELECT endpoint, stop_reason, cached_tokens > 0 AS cached FROM answers',
  );
  t.same(rows, [
    { endpoint: 'chat', stop_reason: 'eos', cached: 0 },
    { endpoint: 'chat', stop_reason: 'eos', cached: 1 },
  ]);
});

t.test('messages of several lines arrive as one', async (t) => {
  const { setup, chat } = open(t, ['--log-text']);
  await chat.prompt();
  chat.type('one \\\r');
  await chat.see('... ');
  chat.type('two\r');
  await chat.see('TTFT');
  await chat.prompt();
  chat.type('"""three\rfour \\\r/reset\r"""\r');
  await chat.see('TTFT');
  await chat.prompt();
  chat.type('/quit\r');
  t.equal(await chat.end(), 0);
  const contents = queryLog(setup, 'SELECT prompt FROM answers').map(
    ({ prompt }) => JSON.parse(String(prompt)).at(-1).content,
  );
  t.same(contents, ['one \ntwo', 'three\nfour \\\n/reset']);
});

t.test('every slash command does what it says', async (t) => {
  const { setup, chat } = open(t, ['--log-text']);
  const command = async (line: string, seen: string | RegExp): Promise<string> => {
    await chat.prompt();
    chat.type(`${line}\r`);
    return chat.see(seen);
  };
  const help = await command('/help', 'Ctrl-D');
  for (const name of ['help', 'system', 'reset', 'retry', 'stats', 'save', 'load', 'quit'])
    t.match(help, `/${name}`);
  await command('/stats', 'answers  none yet');
  await command('/system', 'There is no system prompt.');
  await command('/system Answer as a pirate.', 'The system prompt is set.');
  await command('/system', /\nAnswer as a pirate\.\n/);
  await command('/retry', 'error: there is no question to ask again');
  await command('/nothing', 'error: there is no command /nothing');
  await command('/constructor', 'error: there is no command /constructor');
  await command('/reset now', 'error: /reset takes nothing after it');
  await command('/save', 'error: /save takes a file');
  await command(`/load ${file('none.json')}`, /error: .*none.json cannot be read/);
  await command(`/load ${file('no-turns.json')}`, /error: .*must take turns/);
  await command('Hello!', 'TTFT');
  await command('/retry', 'TTFT');
  await command(`/save ${file('saved.json')}`, '1 turn saved');
  await command('/reset', 'The conversation is forgotten.');
  await command('/system none', 'The system prompt is gone.');
  await command('And you?', 'TTFT');
  await command(`/load ${file('saved.json')}`, '1 turn loaded');
  await command('Thanks.', 'TTFT');
  const stats = await command('/stats', /log {6}.*\n/);
  t.match(stats, /answers {2}4, \d+ tokens/);
  t.match(stats, /model {4}dense, .*\.gguf/);
  t.match(stats, /memory {3}weights 12 MiB, KV 3 MiB \(F16\), compute \d+ MiB/);
  t.match(stats, path.join(setup.stateFolder, 'hearth/log.db'));
  await command('/quit', '/quit');
  t.equal(await chat.end(), 0);

  const saved = JSON.parse(readFileSync(file('saved.json'), 'utf8')).messages;
  t.match(saved, [
    { role: 'system', content: 'Answer as a pirate.' },
    { role: 'user', content: 'Hello!' },
    { role: 'assistant', content: String },
  ]);
  t.equal(statSync(file('saved.json')).mode & 0o777, 0o600);
  const asked = queryLog(setup, 'SELECT prompt FROM answers').map(({ prompt }) =>
    JSON.parse(String(prompt)),
  );
  const pirate = { role: 'system', content: 'Answer as a pirate.' };
  t.same(asked, [
    [pirate, { role: 'user', content: 'Hello!' }],
    [pirate, { role: 'user', content: 'Hello!' }],
    [{ role: 'user', content: 'And you?' }],
    [...saved, { role: 'user', content: 'Thanks.' }],
  ]);
});

t.test('an answer ends its lines between words, and its Markdown is shown', async (t) => {
  const words = Array.from({ length: 20 }, (_, i) => `word${i}`).join(' ');
  const text = JSON.stringify(`- **bold** and \`code\`: ${words}\n2**3\n`);
  writeFileSync(file('list.gbnf'), `root ::= ${text}`);
  const { chat } = open(t, ['--grammar', file('list.gbnf')], { COLUMNS_OF_TERMINAL: '40' });
  const shown = await chat.ask('A list');
  const lines = stripVTControlCharacters(shown).split('\n');
  t.match(lines, ['A list', '• bold and code: word0 word1 word2 word3', /^ {2}word4 /]);
  t.ok(
    lines.every((line) => line.length <= 40 || /TTFT|context/.test(line)),
    shown,
  );
  t.match(shown, '\x1b[1mbold\x1b[22m');
  t.match(lines.join('\n'), '\n2**3\n', 'what is none is left alone');
  await chat.prompt();
  chat.type(CTRL_D);
  t.equal(await chat.end(), 0);
});

t.test('Ctrl-C while the model loads leaves', async (t) => {
  const { chat } = open(t);
  await chat.see('loading');
  chat.type(CTRL_C);
  t.equal(await chat.end(), 130);
});

t.test('what is typed during an answer comes next', async (t) => {
  const { setup, chat } = open(t, [...endless, '--max-tokens', '300', '--log-text']);
  await chat.prompt();
  chat.type('One\r');
  await chat.see('la la la');
  chat.type('Two\rThree\r');
  for (let answer = 0; answer < 3; answer++) await chat.see('TTFT');
  await chat.prompt();
  chat.type(CTRL_D);
  t.equal(await chat.end(), 0);
  const questions = queryLog(setup, 'SELECT prompt FROM answers').map(
    ({ prompt }) => JSON.parse(String(prompt)).at(-1).content,
  );
  t.same(questions, ['One', 'Two', 'Three']);
});

t.test('the arrow keys bring back what an earlier chat was asked', async (t) => {
  const history = path.join(earlier.stateFolder, 'hearth/history');
  t.equal(statSync(history).mode & 0o777, 0o600);
  t.equal(readFileSync(history, 'utf8'), `${first.question}\n${second.question}\n`);

  const many = Array.from({ length: 1500 }, (_, index) => `line ${index}\n`).join('');
  writeFileSync(history, many);
  const again = openAgain(t, earlier);
  await again.prompt();
  again.type(UP);
  await again.see('line 1499');
  again.type(UP);
  await again.see('line 1498');
  again.type('\x15/qu');
  await again.see('/qu');
  again.type('\t');
  await again.see(/\/quit|it/);
  again.type('\r');
  t.equal(await again.end(), 0, 'and Tab completes a command');
  const lines = readFileSync(history, 'utf8').split('\n');
  t.equal(lines[0], 'line 500');
  t.same(lines.slice(-3), ['line 1499', '/quit', '']);
});

t.test('dropped turns are told before the answer and in the log', async (t) => {
  const { setup, chat } = open(t, ['--ctx', '256', '--max-tokens', '8']);
  const question = `${'How loud is it? '.repeat(8)}?`;
  let shown = '';
  for (let turn = 0; turn < 6 && !shown.includes('dropped'); turn++)
    shown = await chat.ask(question);
  t.match(shown, /\d+ turns? \(\d+ tokens\) dropped to make room/);
  await chat.prompt();
  chat.type(CTRL_D);
  await chat.end();
  const [row = {}] = queryLog(setup, 'SELECT * FROM answers ORDER BY id DESC');
  const turns = `${row.dropped_turns} turn${row.dropped_turns === 1 ? '' : 's'}`;
  t.match(shown, `${turns} (${row.dropped_tokens} tokens) dropped`);
});

t.test(
  'a history that cannot be kept and a prompt that does not fit do not end chat',
  async (t) => {
    writeFileSync(file('no-folder'), '');
    const setup: ChatSetup = { modelPath, stateFolder: file('no-folder') };
    const chat = openAgain(t, setup, ['--no-log', '--ctx', '256', '--overflow', 'error']);
    await chat.see('the history is not kept: ENOTDIR');
    await chat.prompt();
    chat.type(`${'How loud is it? '.repeat(60)}\r`);
    await chat.see(/error: the prompt needs .*tokens, but the context has 255/);
    t.match(await chat.ask(first.question), first.answer);
  },
);

t.test('an answer cannot steer the terminal', async (t) => {
  const { chat } = open(t, ['--grammar', file('hostile.gbnf')], { NO_COLOR: '1' });
  const shown = await chat.ask('Hi');
  t.match(shown, 'a␛[2Jb\\x9bc');
  t.notMatch(shown, '\x1b[2J');
  t.notMatch(chat.output, '\x1b[2m', 'NO_COLOR is kept to');
});

t.test('a dumb terminal gets no escape sequences', async (t) => {
  const { chat } = open(t, [], { TERM: 'dumb' });
  t.match(await chat.ask(first.question), first.answer);
  await chat.prompt();
  t.notMatch(chat.output, '\x1b');
  chat.type(CTRL_D);
  t.equal(await chat.end(), 0);
});

t.test('a killed engine costs its answer alone; Ctrl-C stops an answer, then leaves', async (t) => {
  const { setup, chat } = open(t, endless);
  await chat.prompt();
  chat.type('Sing\r');
  await chat.see('la la la');
  process.kill(engineOf(chat), 'SIGKILL');
  await chat.see(/error: the engine's process was ended by SIGKILL/);
  await chat.prompt();
  chat.type('/retry\r');
  await chat.see('la la la');
  chat.type(CTRL_C);
  await chat.see(/stopped.*\n.*TTFT/s);
  await chat.prompt();
  chat.type('half a li');
  await chat.see('half a li');
  chat.type(CTRL_C);
  await chat.prompt();
  chat.type(CTRL_C);
  await chat.see('Ctrl-C once more leaves');
  await chat.prompt();
  chat.type(CTRL_C);
  t.equal(await chat.end(), 130);
  t.match(queryLog(setup, 'SELECT stop_reason, error_code FROM answers ORDER BY id'), [
    { stop_reason: null, error_code: 'HEARTH_ENGINE_DIED' },
    { stop_reason: 'abort', error_code: null },
  ]);
  t.match(queryLog(setup, 'SELECT end_reason FROM run ORDER BY id'), [
    { end_reason: 'crashed' },
    { end_reason: 'stopped' },
  ]);
});

/** The process that holds the model: the child of the child of `script`. */
function engineOf(chat: Terminal): number {
  const childOf = (pid: number): number =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  let pid = chat.pid;
  for (let child = childOf(pid); child > 0; child = childOf(pid)) pid = child;
  return pid;
}
