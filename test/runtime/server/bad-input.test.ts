import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { needs } from '../../support/needs.js';
import { sqlite3 } from '../log/log-rows.js';
import { post, runEngine, runServer } from './running-server.js';

const KEY = 'sk-test-key';
const running = await runEngine(t);
const webFolder = path.join(running.folder, 'web');
mkdirSync(webFolder);
for (const page of ['index.html', 'dashboard.html'])
  writeFileSync(path.join(webFolder, page), '<p>page</p>');
const { url, logPath } = await runServer(t, running, {
  apiKeys: [KEY],
  headersTimeoutMs: 12_000,
  // Room for 100 MB on a busy machine.
  requestTimeoutMs: 15_000,
  webFolder,
});
const { port } = new URL(url);
const chat = `${url}/v1/chat/completions`;
const auth = { authorization: `Bearer ${KEY}` };
const hello = { role: 'user', content: 'Hello' };

/** A test after which the server must still answer a good request. */
function check(
  name: string,
  test: (t: Test) => Promise<unknown>,
  skip: string | false = false,
): void {
  t.test(name, { skip }, async (t) => {
    await test(t);
    const response = await post(chat, { messages: [hello], max_tokens: 2 }, auth);
    t.equal(response.status, 200, await response.text());
  });
}

type Case = { name: string; body: unknown; status?: number; says: RegExp; param?: string };
const message = (fields: object) => ({ messages: [{ ...hello, ...fields }] });
const field = (fields: object) => ({ messages: [hello], max_tokens: 2, ...fields });

const CASES: Case[] = [
  { name: 'malformed JSON', body: '{"messages": [', says: /not JSON/ },
  { name: 'an empty body', body: '', says: /empty/ },
  { name: 'JSON that is no object', body: '[1]', says: /JSON object/ },
  { name: 'invalid UTF-8', body: Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), says: /UTF-8/ },
  { name: 'NUL', body: message({ content: 'a\0b' }), says: /NUL/, param: 'messages[0].content' },
  {
    name: 'half a character',
    body: '{"messages":[{"role":"user","content":"\\ud800"}]}',
    says: /surrogate/,
  },
  {
    name: 'deep nesting',
    body: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
    says: /nested deeper/,
  },
  { name: '__proto__', body: '{"messages":[],"__proto__":{"x":1}}', says: /__proto__/ },
  { name: 'a body of 100 MB', body: 'x'.repeat(100_000_000), status: 413, says: /too large/i },
  {
    name: '100,000 messages',
    body: { messages: Array(100_000).fill(hello) },
    says: /more than 4096 items/,
  },
  { name: 'no messages', body: {}, says: /"messages" is missing/ },
  { name: 'empty messages', body: { messages: [] }, says: /fewer than 1 item/, param: 'messages' },
  {
    name: 'messages of another type',
    body: { messages: 'hi' },
    says: /must be array/,
    param: 'messages',
  },
  {
    name: 'an unknown role',
    body: message({ role: 'wizard' }),
    says: /one of.*assistant/,
    param: 'messages[0].role',
  },
  { name: 'a message without content', body: { messages: [{ role: 'user' }] }, says: /no content/ },
  { name: 'content that is a number', body: message({ content: 5 }), says: /string,array/ },
  {
    name: 'an image',
    body: message({ content: [{ type: 'image_url', image_url: { url: 'x' } }] }),
    says: /text/,
  },
  {
    name: 'a negative max_tokens',
    body: field({ max_tokens: -2 }),
    says: />= 0/,
    param: 'max_tokens',
  },
  {
    name: 'a huge max_tokens',
    body: field({ max_tokens: 1e300 }),
    says: /max_tokens/,
    param: 'max_tokens',
  },
  {
    name: 'a number as text',
    body: field({ temperature: '1' }),
    says: /must be number/,
    param: 'temperature',
  },
  { name: 'a temperature too high', body: field({ temperature: 3 }), says: /<= 2/ },
  { name: 'a top_p below 0', body: field({ top_p: -0.1 }), says: />= 0/ },
  { name: 'n of 0', body: field({ n: 0 }), says: />= 1/, param: 'n' },
  { name: 'n of a million', body: field({ n: 1_000_000 }), says: /<= 16/, param: 'n' },
  { name: 'a negative seed', body: field({ seed: -5 }), says: />= 0/, param: 'seed' },
  { name: 'an empty stop', body: field({ stop: '' }), says: /fewer than 1 char/, param: 'stop' },
  {
    name: 'a bias for no token',
    body: field({ logit_bias: { 99999: 1 } }),
    says: /no token 99999/,
  },
  { name: 'a bias for a word', body: field({ logit_bias: { oven: 1 } }), says: /logit_bias/ },
  { name: 'top_logprobs alone', body: field({ top_logprobs: 2 }), says: /needs "logprobs"/ },
  { name: 'stream_options alone', body: field({ stream_options: {} }), says: /"stream": true/ },
  { name: 'two limits that differ', body: field({ max_completion_tokens: 9 }), says: /send one/ },
  { name: 'an unknown field', body: field({ colour: 'red' }), says: /"colour"/, param: 'colour' },
  { name: 'a broken grammar', body: field({ grammar: 'root ::= (' }), says: /grammar/ },
  {
    name: 'a schema that no grammar keeps',
    body: field({
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'x', schema: { type: 'string', pattern: '(?!a)' } },
      },
    }),
    says: /schema\.pattern has a lookahead/,
  },
  {
    name: 'a tool_choice without tools',
    body: field({ tool_choice: 'required' }),
    says: /needs tools/,
  },
  ...['audio', 'functions', 'moderation', 'prediction', 'web_search_options'].map((name) => ({
    name,
    body: field({ [name]: {} }),
    says: new RegExp(`support "${name}"`),
    param: name,
  })),
  {
    name: 'a presence_penalty beyond 2',
    body: field({ presence_penalty: 2.5 }),
    says: /<= 2/,
  },
];

for (const { name, body, status = 400, says, param } of CASES)
  check(`refused: ${name}`, async (t) => {
    const response = await post(chat, body, auth).catch(() => null);
    // A body that is cut off half-way may break the connection before the answer is read.
    if (response === null) return t.equal(status, 413);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    t.equal(response.status, status, JSON.stringify(error));
    t.match(error, { message: says, type: 'invalid_request_error', ...(param ? { param } : {}) });
    t.ok('code' in error && 'param' in error, "OpenAI's four fields");
  });

check('fields that ask for what happens anyway are taken', async (t) => {
  const harmless = {
    ...{ presence_penalty: 0, store: false, audio: null, user: 'u', stop: null },
    ...{ max_tokens: -1, seed: -1, metadata: {}, model: 'gpt-4o' },
  };
  const response = await post(chat, field(harmless), auth);
  t.equal(response.status, 200, await response.text());
});

check('other content types and encodings are refused', async (t) => {
  const response = await post(chat, 'hello', { ...auth, 'content-type': 'text/plain' });
  t.equal(response.status, 415);
  t.match(await response.json(), { error: { message: /application\/json/ } });
  const form = { ...auth, 'content-type': 'application/x-www-form-urlencoded' };
  t.equal((await post(chat, field({}), form)).status, 200, 'as curl sends it');
  const pages: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const page of pages)
    t.equal((await post(chat, field({}), { ...form, ...page })).status, 415, 'a form of a page');
  const zipped = await post(chat, field({}), { ...auth, 'content-encoding': 'gzip' });
  t.equal(zipped.status, 415);
  t.match(await zipped.json(), { error: { message: /content-encoding "gzip"/ } });
});

check('a missing or wrong key gets 401, and only health and pages need none', async (t) => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: KEY }])
    for (const path of ['/v1/models', '/metrics', '/props', '/api/dashboard/status', '/nothing']) {
      const response = await fetch(url + path, { headers: headers as Record<string, string> });
      t.equal(response.status, 401, path);
      t.equal(response.headers.get('www-authenticate'), 'Bearer');
      t.match(await response.json(), { error: { code: 'invalid_api_key' } });
    }
  for (const path of ['/', '/dashboard', '/health', '/health/live'])
    t.equal((await fetch(url + path)).status, 200, path);
  t.equal((await fetch(`${url}/v1/models`, { headers: auth })).status, 200);
});

check('a Host that is no name of this machine is refused', async (t) => {
  const statusFor = async (host: string) => {
    const asked = request({ port, path: '/health/live', headers: { host } }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  };
  t.equal(await statusFor('evil.example'), 403);
  t.equal(await statusFor(`evil.example:${port}`), 403);
  t.equal(await statusFor('127.0.0.1.evil.example'), 403);
  t.equal(await statusFor(`localhost:${port}`), 200);
  t.equal(await statusFor('[::1]'), 200);
  t.equal(await statusFor('192.168.1.20:8080'), 200);
  const get = (target: string, hosts: string) =>
    raw(`GET ${target} HTTP/1.1\r\n${hosts}connection: close\r\n\r\n`);
  const own = 'host: localhost\r\n';
  t.match(await get('/health/live', `${own}host: evil.example\r\n`), /^HTTP\/1\.1 400 .*Host/s);
  t.match(await get('http://evil.example/health/live', own), /^HTTP\/1\.1 403 .*evil\.example/s);
  const keyed = `${own}authorization: Bearer ${KEY}\r\n`;
  t.match(await get('http://localhost/health/live', keyed), /^HTTP\/1\.1 200/);
});

check('no page of another origin may call without --cors', async (t) => {
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const preflight = await fetch(chat, { method: 'OPTIONS', headers: { ...headers, ...auth } });
  t.equal(preflight.headers.get('access-control-allow-origin'), null);
  const page = await fetch(`${url}/`);
  t.match(page.headers.get('content-security-policy'), "script-src 'self'");
  t.equal(page.headers.get('x-content-type-options'), 'nosniff');
});

check('paths lead to nothing outside the pages', async (t) => {
  for (const path of [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/..%5c..%5cpackage.json',
    '/.env',
    '//etc/passwd',
    '/%',
    '/%00',
    '/%ff',
  ]) {
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${KEY}\r\nconnection: close\r\n\r\n`,
    );
    t.match(answer, /^HTTP\/1\.1 40[034]/, path);
    t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))), {
      error: { message: String, type: 'invalid_request_error' },
    });
  }
});

check('what is no HTTP gets 400', async (t) => {
  t.match(await raw('hello there\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"error"/);
});

check('headers that are too long are told so', async (t) => {
  const long = `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`;
  t.match(await raw(long), /^HTTP\/1\.1 431 .*the headers are longer than 16384 bytes/s);
});

check('a client that sends its header or its body too slowly is cut off with 408', async (t) => {
  t.match(
    await raw('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n'),
    /^HTTP\/1\.1 408/,
  );
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`;
  t.match(await raw(head), /^HTTP\/1\.1 408/);
});

const leavesNoRows = async (t: Test) => {
  const codes = sqlite3(logPath, 'SELECT DISTINCT error_code FROM answers ORDER BY 1');
  t.same(codes, [{ error_code: null }, { error_code: 'HEARTH_BAD_REQUEST' }]);
};
check('every refusal left no row but those of the engine', leavesNoRows, needs('sqlite3'));

/** Sends bytes as they are and returns all that comes until the connection ends. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}
