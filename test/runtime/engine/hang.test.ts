// A child that hears nothing any more: whoever aborts, or whose deadline passes, is told its end in
// seconds, the child is ended, and another takes its place. A slow one is left alone.
import t, { type Test } from 'tap';
import { watchChild } from '../../../runtime/engine/child-watch.js';
import type { Engine, GenerateEvent } from '../../../runtime/engine/engine.js';
import { Requests } from '../../../runtime/engine/requests.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { ask, chat, readyEngine } from './ask.js';

const PATIENCE_MS = 8000;
const skip = process.platform === 'win32';
const modelPath = await applianceGguf(t.testdir());
const endless = { input: chat('Hello!'), sampling: { logitBias: { 2: -100 } } };
const died = {
  code: 'engine-died',
  message: /did not react for 5 s to an answer's abort or deadline, so it was ended/,
  signal: 'SIGKILL',
};

function freeze(engine: Engine): number {
  const { pid = 0 } = engine;
  process.kill(pid, 'SIGSTOP');
  return pid;
}

async function answersAgain(t: Test, engine: Engine, before: number): Promise<void> {
  await engine.ready();
  t.not(engine.pid, before);
  t.equal(engine.restarts, 1);
  t.equal((await ask(engine, { input: chat('Hello!') })).end.stopReason, 'eos');
  await engine.close();
}

t.test('an abort ends a child that hangs, with all that was under way', { skip }, async (t) => {
  const engine = await readyEngine(modelPath, { parallel: 2, nCtx: 4096 });
  const controller = new AbortController();
  let pid = 0;
  const other = ask(engine, endless).catch((error) => error);
  const aborted = ask(engine, endless, {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind !== 'token' || pid > 0) return;
      pid = freeze(engine);
      controller.abort();
    },
  });
  const startedAt = performance.now();
  await t.rejects(aborted, died);
  t.match(await other, died);
  t.match(engine.state, { kind: 'restarting', failure: died });
  t.ok(performance.now() - startedAt < PATIENCE_MS);
  await answersAgain(t, engine, pid);
});

t.test('so does a deadline that passes', { skip }, async (t) => {
  const engine = await readyEngine(modelPath);
  const pid = freeze(engine);
  const startedAt = performance.now();
  await t.rejects(ask(engine, { ...endless, deadlineMs: 500 }), died);
  t.ok(performance.now() - startedAt < PATIENCE_MS);
  await answersAgain(t, engine, pid);
});

t.test('and a call whose caller goes, such as a health check', { skip }, async (t) => {
  const engine = await readyEngine(modelPath);
  const pid = freeze(engine);
  const died = new Promise<void>((resolve) => {
    engine.onState(({ kind }) => kind === 'restarting' && resolve());
  });
  await t.rejects(engine.probe({ signal: AbortSignal.timeout(200) }));
  await died;
  await answersAgain(t, engine, pid);
});

t.test('a child that reacts is left alone', async (t) => {
  let hangs = 0;
  const watch = watchChild({ ask: () => watch.alive(), onHang: () => hangs++ });
  watch.look();
  const deaf = watchChild({ ask() {}, onHang: () => hangs++ });
  deaf.look();
  await new Promise((resolve) => setTimeout(resolve, 5500));
  t.equal(hangs, 1);
});

t.test('a batch that takes long is no reason to wait for it', async (t) => {
  const sent: unknown[] = [];
  const requests = new Requests({
    maxQueue: 1,
    send: (message) => sent.push(message),
    onAnswered() {},
    onStop() {},
    onStuck() {},
  });
  requests.open(1);
  const startedAt = performance.now();
  const events: GenerateEvent[] = [];
  const answer = requests.add({ ...endless, deadlineMs: 100 });
  requests.event(1, 0, {
    ...{ kind: 'start', promptTokens: 7, cachedTokens: 2 },
    ...{ droppedTurns: 0, droppedTokens: 0 },
  });
  for await (const event of answer) events.push(event);
  const tookMs = performance.now() - startedAt;
  t.ok(tookMs > 5000 && tookMs < PATIENCE_MS, `${tookMs.toFixed(0)} ms`);
  t.match(sent, [{ kind: 'generate' }, { kind: 'stop', stopReason: 'deadline' }]);
  const timings = { promptTokens: 7, cachedTokens: 2, generatedTokens: 0, totalMs: Number };
  t.match(events.at(-1), { kind: 'end', stopReason: 'deadline', timings });
  t.match(requests.slots, [{ busy: true }], 'until the child is done with it, too');
  requests.lose({ code: 'engine-died', message: '' }, { forever: true });
});
