import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { skipFileWithout } from '../../support/needs.js';
import { type ChatSetup, CTRL_C, prompts, queryLog, runChat, Terminal } from './hearth-chat.js';

skipFileWithout('script', 'sqlite3');

const folder = t.testdir();
const modelPath = await applianceGguf(folder);
const setup: ChatSetup = { modelPath, stateFolder: path.join(folder, 'state') };
const session = path.join(folder, 'session.json');
const questions = prompts.slice(0, 3).map(({ question }) => question) as [string, string, string];

const ask = (question: string, ...options: string[]) =>
  runChat(setup, ['--once', question, '--session', session, ...options]);
const read = () => JSON.parse(readFileSync(session, 'utf8'));
const lastRow = () =>
  queryLog(setup, 'SELECT * FROM answers ORDER BY id DESC LIMIT 1')[0] as Record<string, number>;

t.test('a conversation goes on after a restart, from its cache', async (t) => {
  const first = await ask(questions[0], '--system', 'You know appliances.');
  t.match(first, { status: 0, stderr: '' });
  t.equal(lastRow().cached_tokens, 0);
  const held = Number(lastRow().context_used);
  const second = await ask(questions[1]);
  t.match(second, { status: 0, stderr: '' });
  t.ok(Number(lastRow().cached_tokens) > held / 2, 'most of what was said is not evaluated again');
  t.same(read().messages, [
    { role: 'system', content: 'You know appliances.' },
    { role: 'user', content: questions[0] },
    { role: 'assistant', content: first.stdout.slice(0, -1) },
    { role: 'user', content: questions[1] },
    { role: 'assistant', content: second.stdout.slice(0, -1) },
  ]);
  for (const file of [session, `${session}.kv`]) t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
});

t.test('a cache that does not belong to it is not used, and the answer is the same', async (t) => {
  const kept = { messages: readFileSync(session), kv: readFileSync(`${session}.kv`) };
  const again = async (...options: string[]) => {
    const told = await ask(questions[2], ...options);
    writeFileSync(session, kept.messages);
    writeFileSync(`${session}.kv`, kept.kv);
    return { ...told, cached: lastRow().cached_tokens };
  };
  const right = await again();
  t.ok(Number(right.cached) > 0);

  const damaged = Buffer.from(kept.kv);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
  for (const bytes of [damaged, kept.kv.subarray(0, 1000), Buffer.alloc(0)]) {
    writeFileSync(`${session}.kv`, bytes);
    const told = await again();
    t.match(told, { status: 0, stdout: right.stdout, cached: 0 });
    t.match(told.stderr, /^the conversation is evaluated again: .* is not the one/);
  }
  const other = await again('--kv-type', 'Q8_0', '--flash-attention', 'on');
  t.match(other, {
    status: 0,
    cached: 0,
    stderr: /evaluated again: .* is not a cache of this model/,
  });
});

t.test('a session of another model is refused and left alone', async (t) => {
  const before = readFileSync(session, 'utf8');
  const other = path.join(folder, 'other.gguf');
  const bytes = readFileSync(modelPath);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  writeFileSync(other, bytes);
  const told = await runChat({ ...setup, modelPath: other }, [
    ...['--once', 'Hi', '--session', session],
  ]);
  t.match(told, { status: 1, stdout: '' });
  t.match(told.stderr, /is a session of another model, dense; name another file/);
  t.equal(readFileSync(session, 'utf8'), before);
  const copy = path.join(folder, 'copy.gguf');
  writeFileSync(copy, readFileSync(modelPath));
  const same = await runChat({ ...setup, modelPath: copy }, [
    ...['--once', 'Hi', '--session', session],
  ]);
  t.match(same, { status: 0, stderr: '' });
});

t.test('a terminal that goes away ends chat in order', async (t) => {
  const file = path.join(folder, 'hung-up.json');
  const chat = new Terminal(setup, ['--session', file]);
  await chat.ask(questions[0]);
  await chat.prompt();
  chat.kill();
  const ends = 'SELECT end_reason FROM run ORDER BY id DESC LIMIT 1';
  while (queryLog(setup, ends)[0]?.end_reason !== 'stopped') await sleep(100);
  t.ok(statSync(`${file}.kv`).size > 1000);
});

t.test('at a terminal it is kept however chat ends, and forgotten when told', async (t) => {
  const file = path.join(folder, 'typed.json');
  const open = () => new Terminal(setup, ['--session', file]);
  const chat = open();
  await chat.ask(questions[0]);
  await chat.prompt();
  chat.type(CTRL_C);
  await chat.prompt();
  chat.type(CTRL_C);
  t.equal(await chat.end(), 130);
  const again = open();
  await again.see('1 turn so far');
  t.match(await again.ask(questions[1]), /\([1-9]\d* cached\)/);
  again.type('/reset\r');
  await again.see('forgotten');
  again.type('/quit\r');
  t.equal(await again.end(), 0);
  t.same(JSON.parse(readFileSync(file, 'utf8')).messages, []);
  t.throws(() => statSync(`${file}.kv`), { code: 'ENOENT' });
});
