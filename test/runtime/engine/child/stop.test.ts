import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import type { GenerateEvent, GenerateRequest } from '../../../../runtime/engine/engine.js';
import { applianceGguf } from '../../../support/appliance-gguf.js';
import { chat, prompts } from '../ask.js';
import { inProcessEngine, tokensOf } from './in-process.js';

const engine = await inProcessEngine(await applianceGguf(t.testdir()), { nCtx: 4096 });
const { requests, made } = engine;
t.teardown(() => engine.close());
t.beforeEach(() => {
  made.length = 0;
});

/** Greedy, and never at an end of its own: every token is one that only a stop prevents. */
const endless: GenerateRequest = {
  input: chat('Hello!'),
  sampling: { temperature: 0, logitBias: { 2: -100 } },
};
const long: GenerateRequest = {
  ...endless,
  input: { kind: 'tokens', tokens: Array.from({ length: 3000 }, (_, i) => 3 + (i % 2000)) },
};

async function untilEnd(): Promise<Extract<GenerateEvent, { kind: 'end' }>> {
  for (;;) {
    const last = made.at(-1)?.event;
    if (last?.kind === 'end') return last;
    await nextTurn();
  }
}

t.test('an aborted signal lets at most one more token be generated', async (t) => {
  for (const after of [1, 2, 3, 10, 40]) {
    made.length = 0;
    const controller = new AbortController();
    let before = -1;
    for await (const event of requests.add(endless, controller.signal)) {
      if (event.kind !== 'token' || before >= 0 || tokensOf(made) < after) continue;
      before = tokensOf(made);
      controller.abort();
    }
    const { stopReason, timings } = await untilEnd();
    t.equal(stopReason, 'abort');
    t.ok(timings.generatedTokens - before <= 1, `${timings.generatedTokens} after ${before}`);
  }
});

t.test('a client that goes lets at most one more token be generated', async (t) => {
  let before = 0;
  for await (const event of requests.add(endless))
    if (event.kind === 'token') {
      before = tokensOf(made);
      break;
    }
  const { stopReason, timings } = await untilEnd();
  t.equal(stopReason, 'abort');
  t.ok(timings.generatedTokens - before <= 1, `${timings.generatedTokens} after ${before}`);
});

t.test('nothing is generated after a stop string', async (t) => {
  const answer = [];
  for await (const event of requests.add({ ...endless, maxTokens: 40 }))
    if (event.kind === 'token') answer.push(event);
  const text = answer.map((event) => event.text).join('');
  const stop = text.slice(20, 24);
  for await (const event of requests.add({ ...endless, stop: [stop] })) void event;
  const { stopReason, timings } = await untilEnd();
  t.equal(stopReason, 'stop');
  for (let nTokens = 1; ; nTokens++) {
    made.length = 0;
    let shown = '';
    for await (const event of requests.add({ ...endless, maxTokens: nTokens }))
      if (event.kind === 'token') shown += event.text;
    if (!shown.includes(stop)) continue;
    t.equal(timings.generatedTokens, nTokens, 'the first tokens whose text holds it');
    break;
  }
});

t.test('at most one token is generated after the deadline', async (t) => {
  for (const deadlineMs of [1, 20, 100]) {
    made.length = 0;
    const stream = requests.add({ ...endless, deadlineMs });
    await nextTurn();
    const passedMs = performance.now() + deadlineMs;
    for await (const event of stream) void event;
    const { stopReason } = await untilEnd();
    t.equal(stopReason, 'deadline');
    t.ok(tokensOf(made.filter(({ atMs }) => atMs > passedMs)) <= 1, `${deadlineMs} ms`);
  }
});

t.test('a long prompt is left between two batches', async (t) => {
  const controller = new AbortController();
  for await (const event of requests.add(long, controller.signal))
    if (event.kind === 'start') controller.abort();
  const { stopReason, memory, timings } = await untilEnd();
  t.equal(stopReason, 'abort');
  t.equal(timings.generatedTokens, 0);
  // The start is told with the first batch; the one that is under way then is the last.
  t.ok([512, 1024].includes(memory.contextUsed), `${memory.contextUsed}`);
});

t.test('a deadline that passes in a long prompt ends it between two batches', async (t) => {
  for await (const event of requests.add({ ...long, deadlineMs: 30 })) void event;
  const { stopReason, memory, timings } = await untilEnd();
  t.equal(stopReason, 'deadline');
  t.equal(timings.generatedTokens, 0);
  t.ok(memory.contextUsed < 3000);
  const tokens = prompts[0]?.tokens ?? [];
  const events = [];
  const next = { ...endless, input: { kind: 'tokens', tokens } as const, maxTokens: 3 };
  for await (const event of requests.add(next)) events.push(event);
  t.match(events.at(-1), { stopReason: 'length' }, 'the next is answered');
});
