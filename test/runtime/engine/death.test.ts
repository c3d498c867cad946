import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { EngineState } from '../../../runtime/engine/engine.js';
import { RestartingEngine, startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { type TinyValue, tinyGguf } from '../../support/tiny-gguf.js';
import { ask, chat } from './ask.js';

const folder = t.testdir();
const modelPath = await applianceGguf(folder);
const options = { modelPath, gpu: 'off', threads: 1 } as const;
const endless = { input: chat('Hello!'), sampling: { logitBias: { 2: -100 } } };

t.test(
  'where memory runs out, the kernel ends the engine first, from its first moment',
  {
    skip: process.platform !== 'linux',
  },
  async (t) => {
    const engine = startEngine(options);
    t.equal(readFileSync(`/proc/${engine.pid}/oom_score_adj`, 'utf8').trim(), '900');
    await engine.close();
  },
);

t.test('a kill costs the answer under way, and the next one is served', async (t) => {
  const engine = new RestartingEngine({ ...options, parallel: 2 });
  t.teardown(() => engine.close());
  for (let round = 1; round <= 10; round++) {
    await engine.ready();
    const { pid = 0 } = engine;
    const failed = ask(engine, endless, {
      onEvent: (event) => event.kind === 'token' && process.kill(pid, 'SIGKILL'),
    }).catch((error) => error);
    const error = await failed;
    t.match(error, { code: 'engine-died', signal: 'SIGKILL', message: /iB were free/ });
    t.equal(error.askedBytes, totalBytes(engine));
    t.ok(error.freeBytes > 0);
    t.match(error.nativeLog.join('\n'), /llama_context/);
    await engine.ready();
    t.equal((await ask(engine, { input: chat('Hello!') })).end.stopReason, 'eos');
    t.equal(engine.restarts, round);
    t.notOk(isAlive(pid));
  }
});

t.test('a request that waits when the process dies is answered by the next', async (t) => {
  const engine = new RestartingEngine(options);
  t.teardown(() => engine.close());
  await engine.ready();
  const first = ask(engine, endless, {
    onEvent: (event) => event.kind === 'token' && process.kill(engine.pid ?? 0, 'SIGKILL'),
  }).catch((error) => error);
  const second = ask(engine, { input: chat('Hello!') });
  t.match(await first, { code: 'engine-died' });
  t.equal((await second).end.stopReason, 'eos');
});

t.test('the queue is bounded, and what waits can be aborted', async (t) => {
  const engine = new RestartingEngine({ ...options, maxQueue: 1 });
  await engine.ready();
  const running = new AbortController();
  const waiting = new AbortController();
  const first = ask(engine, endless, { signal: running.signal });
  const second = ask(engine, endless, { signal: waiting.signal });
  await t.rejects(ask(engine, endless), { code: 'queue-full' });
  waiting.abort();
  t.match(await second, { events: [{ kind: 'end', stopReason: 'abort' }] });
  const late = await ask(engine, { ...endless, deadlineMs: 20 });
  t.match(late.events, [{ kind: 'end', stopReason: 'deadline' }]);
  running.abort();
  t.equal((await first).end.stopReason, 'abort');
  await engine.close();
  await t.rejects(ask(engine, endless), { code: 'not-ready', message: /closed/ });
  await t.rejects(engine.ready(), { code: 'not-ready' });
});

t.test('no process is left when the parent is killed', async (t) => {
  const program = `
    import { RestartingEngine } from ${JSON.stringify(new URL('../../../runtime/engine/restarting-engine.js', import.meta.url).href)};
    const engine = new RestartingEngine(${JSON.stringify(options)});
    await engine.ready();
    console.log(engine.pid);
    const request = ${JSON.stringify(endless)};
    for (;;) for await (const event of engine.generate(request)) void event;`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await once(parent.stdout, 'data');
  const childPid = Number(String(output));
  t.ok(isAlive(childPid));
  parent.kill('SIGKILL');
  await once(parent, 'close');
  for (let waitedMs = 0; isAlive(childPid) && waitedMs < 10_000; waitedMs += 50) await sleep(50);
  t.notOk(isAlive(childPid));
});

t.test('a file that llama.cpp would abort on is refused with what is wrong', async (t) => {
  const llama = {
    'general.architecture': 'llama',
    'llama.block_count': 1,
    'llama.context_length': 64,
    'llama.embedding_length': 32,
    'llama.feed_forward_length': 32,
    'llama.attention.head_count': 4,
    'tokenizer.ggml.tokens': ['a', 'b'],
  };
  const cases: [string, Record<string, TinyValue>, RegExp][] = [
    ['no heads', { 'llama.attention.head_count': 0 }, /head_count is 0 in layer 0/],
    ['no feed-forward', { 'llama.feed_forward_length': 0 }, /feed_forward_length is 0 in layer 0/],
    ['odd groups', { 'llama.attention.head_count_kv': 3 }, /4 attention heads for 3 key-value/],
    ['unknown', { 'general.architecture': 'made-up' }, /"made-up" model.*does not know/],
    ['lacking tensors', {}, /cannot be loaded/],
  ];
  for (const [name, changes, message] of cases) {
    const file = path.join(folder, `${name}.gguf`);
    const tensors = [{ name: 'token_embd.weight', type: 0, shape: [32, 2], offset: 0 }];
    writeFileSync(file, tinyGguf({ metadata: { ...llama, ...changes }, tensors, dataBytes: 256 }));
    const failure = await failureToLoad(file);
    t.match(failure, { code: 'load-failed', message }, name);
  }
});

t.test('a truncated, empty, missing or foreign file is refused', async (t) => {
  const cut = path.join(folder, 'cut.gguf');
  writeFileSync(cut, readFileSync(modelPath));
  truncateSync(cut, 5_000_000);
  t.match(await failureToLoad(cut), { code: 'load-failed', message: /cut off/ });
  truncateSync(cut, 0);
  t.match(await failureToLoad(cut), { code: 'load-failed', message: /not a GGUF file/ });
  t.match(await failureToLoad(path.join(folder, 'none.gguf')), { message: /cannot be read/ });
  writeFileSync(cut, 'x'.repeat(1000));
  t.match(await failureToLoad(cut), { message: /not a GGUF file/ });
});

t.test('a context that does not fit is refused with its size', async (t) => {
  const engine = startEngine({ ...options, nCtx: 10_000_000 });
  t.teardown(() => engine.close());
  await t.rejects(engine.ready(), { code: 'load-failed', message: /context of 10000000 tokens/ });
});

t.test('options that mean nothing are refused by name', async (t) => {
  const cases = { nCtx: -1, parallel: 0, threads: 1.5, gpuLayers: -3 };
  for (const [name, value] of Object.entries(cases)) {
    const engine = startEngine({ ...options, [name]: value });
    await t.rejects(engine.ready(), { code: 'load-failed', message: new RegExp(`${name} is`) });
    await engine.close();
  }
});

/** The failure of an engine that gives up, which it must. */
async function failureToLoad(file: string): Promise<unknown> {
  const engine = startEngine({ ...options, modelPath: file });
  const states: EngineState['kind'][] = [];
  engine.onState((state) => states.push(state.kind));
  const failure = await engine.ready().catch((error) => error);
  t.equal(engine.state.kind, 'failed');
  await engine.close();
  return failure;
}

function totalBytes({ info }: RestartingEngine): number {
  return (info?.weightsBytes ?? 0) + (info?.kvBytes ?? 0) + (info?.computeBytes ?? 0);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
