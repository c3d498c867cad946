// Mutations of sane templates and hostile snippets, each for one loaded model: every request ends in
// seconds, whatever its template, and the model answers after it.
// HEARTH_TEMPLATES is how many; the same seeds each time.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import t from 'tap';
import type { GenerateEvent } from '../../../../runtime/engine/engine.js';
import { applianceGguf } from '../../../support/appliance-gguf.js';
import { mutated } from '../../../support/hostile-templates.js';
import { chat } from '../ask.js';
import { inProcessEngine } from './in-process.js';

const COUNT = Number(process.env['HEARTH_TEMPLATES'] ?? 20);
const PATIENCE_MS = 5000;
/** One of the machine's load, not of a template's. */
const NUDGE_MS = 1000;

const engine = await inProcessEngine(await applianceGguf(t.testdir()));
t.teardown(() => engine.close());

t.setTimeout(COUNT * 2 * PATIENCE_MS);

t.test(`${COUNT} mutated templates`, { timeout: COUNT * 2 * PATIENCE_MS }, async (t) => {
  const delay = monitorEventLoopDelay();
  delay.enable();
  const told: Record<string, number> = {};
  let slowestMs = 0;
  for (let seed = 0; seed < COUNT; seed++) {
    await engine.useTemplate(mutated(seed));
    const startedAt = performance.now();
    const outcome = await ended({ input: chat('Hello!', 'Hi.', 'How loud?'), maxTokens: 2 });
    const tookMs = performance.now() - startedAt;
    slowestMs = Math.max(slowestMs, tookMs);
    told[outcome] = (told[outcome] ?? 0) + 1;
    if (tookMs > PATIENCE_MS) t.fail(`seed ${seed} took ${tookMs.toFixed(0)} ms: ${outcome}`);
    const next = await ended({ input: { kind: 'text', text: 'Hello!' }, maxTokens: 2 });
    if (next !== 'length') t.fail(`after seed ${seed}: ${next}`);
  }
  const blockedMs = delay.max / 1e6;
  t.comment(JSON.stringify({ told, slowestMs, blockedMs }));
  t.ok(slowestMs < PATIENCE_MS, `the slowest took ${slowestMs.toFixed(0)} ms`);
  t.ok(blockedMs < NUDGE_MS, `the event loop was held up for ${blockedMs.toFixed(0)} ms at most`);
});

/** The reason of its stop, or the failure's first words. */
async function ended(request: Parameters<typeof engine.requests.add>[0]): Promise<string> {
  let last: GenerateEvent | undefined;
  try {
    for await (const event of engine.requests.add(request)) last = event;
  } catch (error) {
    return (error as Error).message.replaceAll(/\d+/g, 'N').slice(0, 48);
  }
  return last?.kind === 'end' ? last.stopReason : 'no end';
}
