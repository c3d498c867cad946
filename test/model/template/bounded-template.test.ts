// Strangers' templates are rendered as Hugging Face's Jinja does, or stopped: whatever one does, who
// waits for it hears of it in seconds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { BoundedTemplate, templateProblem } from '../../../model/template/bounded-template.js';
import { BUILT_IN_TEMPLATES } from '../../../model/template/built-in-templates.js';
import { openTemplate } from '../../../model/template/open-template.js';
import { TemplateBudget } from '../../../model/template/template-budget.js';
import { TemplateProcess } from '../../../model/template/template-process.js';
import { parseBombs, renderBombs } from '../../support/hostile-templates.js';
import { childrenOf } from '../../support/processes.js';

/** The budget, and what a busy machine takes to end a process. */
const PATIENCE_MS = 5000;

const variables = { messages: [{ role: 'user', content: 'Hello!' }], bos_token: '<s>' };
const limits = () => ({ budget: new TemplateBudget(), maxChars: 1 << 20 });

function template(t: Test, source: string): BoundedTemplate {
  const made = new BoundedTemplate(source);
  t.teardown(() => made.close());
  return made;
}

t.test('a template is rendered as often as it is asked for', async (t) => {
  const sane = template(t, '{{ bos_token }}{{ messages[0].content }} \u{1f525}');
  const all = await Promise.all([1, 2, 3].map(() => sane.render(variables, limits())));
  t.same(all, Array(3).fill('<s>Hello! \u{1f525}'));
});

t.test("hearth's own templates need no process, and give what one gives", async (t) => {
  for (const source of Object.values(BUILT_IN_TEMPLATES)) {
    const before = childrenOf(process.pid).length;
    const own = await openTemplate(source).render(variables, limits());
    t.equal(childrenOf(process.pid).length, before);
    t.equal(own, await template(t, source).render(variables, limits()));
  }
});

t.test('what is wrong is said: by the parser, by the template, of its length', async (t) => {
  await t.rejects(template(t, '{% if %}').render(variables, limits()), { code: 'unreadable' });
  t.match(await templateProblem('{% if %}'), /./);
  t.equal(await templateProblem('{{ a }}'), null);
  const strict = template(t, '{{ raise_exception("no " ~ messages[0].content) }}');
  await t.rejects(strict.render(variables, limits()), { code: 'refused', message: 'no Hello!' });
  const long = { ...limits(), maxChars: 3 };
  await t.rejects(template(t, 'four').render({}, long), {
    code: 'over-budget',
    message: 'writes more than 3 characters',
  });
});

t.test('whatever it does, it ends in seconds', async (t) => {
  for (const [name, source] of Object.entries({ ...renderBombs, ...parseBombs }))
    await t.test(name, (t) => explode(t, source));
});

t.test('renderings of one request share its time', async (t) => {
  const slow = template(t, renderBombs['nested loops'] ?? '');
  const budget = new TemplateBudget();
  await t.rejects(slow.render(variables, { budget, maxChars: 9 }), /takes more than 2 s/);
  t.ok(budget.leftMs < 2, 'but the grain of a timer');
  await t.rejects(slow.render(variables, { budget, maxChars: 9 }), /takes more than 2 s/);
});

t.test('an abort ends it at once, also one that waits its turn', async (t) => {
  const slow = template(t, renderBombs['nested loops'] ?? '');
  const [first, second] = [new AbortController(), new AbortController()];
  const running = slow.render(variables, { ...limits(), signal: first.signal });
  const waiting = slow.render(variables, { ...limits(), signal: second.signal });
  await sleep(300);
  const abortedAt = performance.now();
  second.abort(new Error('second'));
  await t.rejects(waiting, { message: 'second' });
  first.abort(new Error('first'));
  await t.rejects(running, { message: 'first' });
  t.ok(performance.now() - abortedAt < 500);
});

t.test(
  'a process that was started ahead is used; one that has died is followed by another',
  {
    skip: process.platform !== 'linux',
  },
  async (t) => {
    const before = childrenOf(process.pid);
    const started = new TemplateProcess();
    const [pid = 0] = childrenOf(process.pid).filter((child) => !before.includes(child));
    const sane = new BoundedTemplate('{{ bos_token }}', started);
    t.teardown(() => sane.close());
    t.equal(await sane.render(variables, limits()), '<s>');
    t.ok(childrenOf(process.pid).includes(pid));
    process.kill(pid, 'SIGKILL');
    while (childrenOf(process.pid).includes(pid)) await sleep(10);
    t.equal(await sane.render(variables, limits()), '<s>');
  },
);

t.test(
  'none is left when who started it is killed, whatever it is at',
  {
    skip: process.platform !== 'linux',
  },
  async (t) => {
    const module = (name: string) =>
      new URL(`../../../model/template/${name}.js`, import.meta.url).href;
    const program = `
    import { BoundedTemplate } from ${JSON.stringify(module('bounded-template'))};
    import { TemplateBudget } from ${JSON.stringify(module('template-budget'))};
    const slow = new BoundedTemplate(${JSON.stringify(renderBombs['nested loops'])});
    setTimeout(() => console.log('running'), 1000);
    await slow.render({}, { budget: new TemplateBudget(), maxChars: 9 });`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const [pid = 0] = childrenOf(parent.pid ?? 0);
    t.ok(pid > 0);
    parent.kill('SIGKILL');
    for (let waitedMs = 0; isAlive(pid) && waitedMs < 15_000; waitedMs += 100) await sleep(100);
    t.notOk(isAlive(pid));
  },
);

async function explode(t: Test, source: string): Promise<void> {
  const process = new TemplateProcess();
  await process.ask({ kind: 'parse', source: 'started' }, limits());
  const bomb = new BoundedTemplate(source, process);
  t.teardown(() => bomb.close());
  const startedAt = performance.now();
  const limited = { ...limits(), maxChars: 1000 };
  // Two dozen of them: what comes to no end comes to none in half of the time.
  limited.budget.spend(limited.budget.leftMs / 2);
  const outcome = await bomb.render(variables, limited).catch((error) => error);
  // Jinja takes a full stack for a variable that is not there.
  t.match(outcome, { code: /over-budget|refused/ });
  t.comment(outcome.message ?? 'rendered');
  const tookMs = performance.now() - startedAt;
  t.ok(tookMs < PATIENCE_MS, `${tookMs.toFixed(0)} ms`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
