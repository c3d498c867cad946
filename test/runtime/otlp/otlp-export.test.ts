import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type Collector, startCollector } from '../../../bench/development/fleet/collector.js';
import { type AnswerLog, openLog } from '../../../runtime/log/answer-log.js';
import { openForWriting } from '../../../runtime/log/database.js';
import { pruneSlice } from '../../../runtime/log/keep.js';
import { metricsUrl, OtlpExport, type OtlpOptions } from '../../../runtime/otlp/otlp-export.js';
import { packageRoot } from '../../support/samples.js';
import { recordStart, requestRow, STARTED_AT_MS } from '../log/log-rows.js';
import { until } from '../server/running-server.js';

/** A day after the answers, and so after all that a test records. */
const NOW_MS = STARTED_AT_MS + 86_400_000;
const FAST = { OTEL_METRIC_EXPORT_INTERVAL: '20', OTEL_EXPORTER_OTLP_TIMEOUT: '10000' };
const CHAT = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'hearth',
  'gen_ai.request.model': 'pruned-7b',
  'gen_ai.response.model': 'pruned-7b',
};

t.test('an answer arrives under the names, units and bounds of the conventions', async (t) => {
  const { log, runId, collector, start } = await setUp(t);
  log.recordRequest(requestRow(runId));
  log.recordRequest(
    requestRow(runId, {
      endpoint: '/v1/completions',
      stopReason: null,
      error: { code: 'HEARTH_ENGINE_DIED', message: 'killed' },
    }),
  );
  log.recordRequest(requestRow(runId, { isProbe: true }));
  process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment=kitchen,host.name=toaster-7';
  t.teardown(() => delete process.env['OTEL_RESOURCE_ATTRIBUTES']);
  start({ env: { ...FAST, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20k1' } });
  await until(() => collector.taken.length > 0);
  t.match(collector.headers[0], { authorization: 'Bearer k1' });
  const points = collector.taken[0] ?? [];
  const found = (metric: string) => points.filter((point) => point.metric === metric);
  t.match(points[0]?.resource, {
    ...{
      'service.name': 'hearth',
      'service.version': '0.1.0',
      'service.instance.id': /^[\w-]{36}$/,
    },
    ...{ 'host.name': 'toaster-7', 'deployment.environment': 'kitchen' },
    ...{
      'host.cpu.model.name': 'Ryzen 5 5600',
      'hearth.backend': 'cuda',
      'telemetry.sdk.name': 'opentelemetry',
    },
  });
  t.match(found('gen_ai.server.time_to_first_token'), [
    {
      unit: 's',
      count: 1,
      sum: 0.12025,
      isDelta: true,
      attributes: CHAT,
      bounds: { 0: 0.001, 15: 10 },
    },
  ]);
  t.match(found('gen_ai.server.time_per_output_token'), [
    { unit: 's', count: 1, sum: 2 / 79, attributes: CHAT, bounds: { 0: 0.01, 12: 2.5 } },
  ]);
  t.match(found('hearth.memory.peak'), [{ unit: 'By', sum: 710_000_000, isDelta: false }]);
  t.equal(collector.total('gen_ai.server.request.duration'), 2);
  t.equal(
    collector.total('gen_ai.server.request.duration', { 'error.type': 'HEARTH_ENGINE_DIED' }),
    1,
  );
  t.equal(collector.total('hearth.answers', { 'hearth.outcome': 'eos' }), 1);
  t.equal(collector.total('hearth.answers', { 'gen_ai.operation.name': 'text_completion' }), 1);
  const tokens = points.filter(({ metric }) => metric === 'gen_ai.client.token.usage');
  t.same(
    new Set(tokens.map(({ attributes }) => attributes['gen_ai.token.type'])),
    new Set(['input', 'output']),
  );
  t.match(tokens[0], { unit: '{token}', bounds: { 0: 1, 13: 67_108_864 } });
});

t.test('metrics go below the address, whatever else it has', (t) => {
  for (const [address, expected] of [
    ['http://c', 'http://c/v1/metrics'],
    ['http://c:4318/', 'http://c:4318/v1/metrics'],
    ['https://c/otlp?tenant=7', 'https://c/otlp/v1/metrics?tenant=7'],
    ['https://c/otlp/v1/metrics', 'https://c/otlp/v1/metrics'],
  ] as const)
    t.equal(metricsUrl(new URL(address)), expected);
  t.end();
});

t.test('each answer counts once, through kills and a collector whose reply is lost', async (t) => {
  const { log, logPath, runId, collector, start } = await setUp(t);
  const record = (count: number) => {
    for (let i = 0; i < count; i++) log.recordRequest(requestRow(runId));
  };
  record(300);
  collector.fault = { kind: 'status', status: 503 };
  await killWhen(startDevice(t, logPath, collector.url), () => collector.requests > 1);
  record(300);
  // It takes the batch, and nobody will ever know.
  collector.fault = { kind: 'silence' };
  await killWhen(startDevice(t, logPath, collector.url), () => collector.taken.length > 0);
  record(400);
  collector.fault = { kind: 'lost-reply' };
  start();
  await until(() => collector.taken.length > 1);
  collector.fault = null;
  await until(() => collector.total('hearth.answers') >= 1000);
  t.equal(collector.total('hearth.answers'), 1000);
  t.equal(collector.total('gen_ai.server.request.duration'), 1000);
  const batches = collector.taken.map((points) => JSON.stringify(points));
  t.ok(batches.length > new Set(batches).size, 'what was sent again is what was sent before');
  t.ok(collector.dropped > 0);
  // Deltas of one stream never overlap, so that a receiver can tell one that it has.
  const intervals = [
    ...new Set(collector.taken.map(([point]) => `${point?.startMs} ${point?.endMs}`)),
  ];
  const ends = intervals.map((text) => text.split(' ').map(Number));
  t.ok(
    ends.every(([start = 0, end = 0], i) => start < end && (i === 0 || start === ends[i - 1]?.[1])),
  );
});

t.test(
  'a collector that refuses, redirects or floods loses nothing, and is said once',
  async (t) => {
    const { log, runId, collector, start, warnings } = await setUp(t);
    const soon = { 'retry-after': '0', location: '/elsewhere' };
    const page = { type: 'text/html', body: '<h1>wrong port\u001b[2J', headers: soon };
    collector.fault = { kind: 'status', status: 400, ...page };
    log.recordRequest(requestRow(runId));
    const running = start();
    await until(() => collector.requests > 1);
    t.match(warnings, [
      /127\.0\.0\.1:\d+\/v1\/metrics answered 400: <h1>wrong port \[2J; answers wait in the log/,
    ]);
    for (const status of [302, 401, 404, 413, 429, 500]) {
      collector.fault = { kind: 'status', status, headers: soon };
      await until(() => warnings.some((text) => text.includes(`answered ${status}`)));
    }
    const memory = process.memoryUsage.rss();
    collector.fault = { kind: 'flood' };
    await until(() => warnings.some((text) => text.includes('takes metrics again')));
    t.ok(process.memoryUsage.rss() - memory < 50e6, '100 MB of an answer are not kept');
    t.equal(collector.total('hearth.answers'), 1);
    // A collector's own word on a batch is final, as OTLP has it.
    collector.fault = {
      kind: 'status',
      status: 400,
      type: 'application/x-protobuf',
      body: 'too old',
    };
    log.recordRequest(requestRow(runId));
    await until(() =>
      warnings.some((text) => text.includes('is not sent again: answered 400: too old')),
    );
    collector.fault = null;
    log.recordRequest(requestRow(runId));
    await until(() => collector.total('hearth.answers') === 2);
    await running.close();
    t.equal(new Set(warnings).size, warnings.length);
  },
);

t.test('one that never says that it took a batch gets the same one again', async (t) => {
  const { log, runId, collector, start, warnings } = await setUp(t);
  collector.fault = { kind: 'silence' };
  log.recordRequest(requestRow(runId));
  start({ env: { ...FAST, OTEL_EXPORTER_OTLP_TIMEOUT: '200' } });
  await until(() => collector.taken.length > 1);
  collector.fault = null;
  await until(() => warnings.some((text) => text.includes('takes metrics again')));
  t.match(warnings[0], /did not answer within 0\.2 s; answers wait in the log/);
  t.same(collector.taken[1], collector.taken[0]);
  t.equal(collector.total('hearth.answers'), 1);
});

t.test('answers that were pruned first are counted and said; their ids come again', async (t) => {
  const { log, logPath, runId, collector, start, warnings } = await setUp(t);
  log.recordRequest(requestRow(runId));
  const running = start();
  await until(() => collector.total('hearth.answers') === 1);
  await running.close();
  for (let i = 0; i < 5; i++) log.recordRequest(requestRow(runId));
  const db = openForWriting(logPath);
  while (pruneSlice(db, { kind: 'age', ageMs: 1000 }, NOW_MS));
  log.recordRequest(requestRow(runId));
  t.equal(
    db.prepare('SELECT max(id) FROM request').pluck().get(),
    1,
    'the id of one that was sent',
  );
  db.close();
  start();
  await until(() => collector.total('hearth.answers') === 2);
  t.equal(collector.total('hearth.pruned_answers'), 5);
  t.match(warnings, [/5 answers left the log before a collector had them; keep more of it/]);
});

t.test('days offline keep their times, and a clock that jumps breaks nothing', async (t) => {
  const { log, runId, collector, start } = await setUp(t);
  const YEAR_MS = 365 * 86_400_000;
  const at = (startedAtMs: number) => log.recordRequest(requestRow(runId, { startedAtMs }));
  let now = NOW_MS;
  const sent = async (count: number) => {
    const running = start({ now: () => now });
    await until(() => collector.total('hearth.answers') === count);
    await running.close();
    return (collector.taken.at(-1) ?? [])[0];
  };
  at(STARTED_AT_MS);
  at(STARTED_AT_MS + 3_600_000);
  await sent(2);
  t.same(
    collector.taken.map(([point]) => point?.endMs),
    [STARTED_AT_MS + 2_121, STARTED_AT_MS + 3_600_000 + 2_121],
  );
  // Before it asks the network for the time, the device is in 1970, or ahead of everyone.
  at(NOW_MS + YEAR_MS);
  t.match(await sent(3), { endMs: NOW_MS });
  const before = (await sent(3))?.resource['service.instance.id'];
  now = 3_600_000;
  at(1_000);
  const early = await sent(4);
  t.match(early, { startMs: 1_000, endMs: 3_121 });
  t.not(
    early?.resource['service.instance.id'],
    before,
    'another instance, as its times are not later',
  );
  now = NOW_MS + 5_000;
  at(NOW_MS + 1_000);
  t.match(await sent(5), { startMs: 3_121, endMs: NOW_MS + 3_121 });
  t.equal(collector.dropped, 0);
});

t.test('two servers of one log send it once', async (t) => {
  const { log, runId, collector, start } = await setUp(t);
  const first = start();
  const second = start();
  for (let i = 0; i < 3; i++) log.recordRequest(requestRow(runId));
  await until(() => collector.total('hearth.answers') === 3);
  await first.close();
  log.recordRequest(requestRow(runId));
  await second.close();
  t.equal(
    collector.total('hearth.answers'),
    4,
    'the other one takes over, and sends what is left as it ends',
  );
  t.equal(collector.dropped, 0);
});

t.test(
  "OpenTelemetry's packages are named in otlp/ alone, and that is imported only when asked for",
  (t) => {
    const root = path.join(packageRoot, 'dist');
    const shipped = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) =>
        /^(?!test|bench.development|runtime.otlp|chunks.otlp-export).*\.js$/.test(file),
      )
      .map((file) => readFileSync(path.join(root, file), 'utf8'));
    t.ok(shipped.length > 300);
    t.same(
      shipped.filter((text) =>
        /@opentelemetry|(from|import) ['"][^'"]*\/otlp(\/|-export)/.test(text),
      ),
      [],
    );
    const importers = shipped.filter((text) => /import\(["'][^"']*\/otlp-export/.test(text));
    t.equal(importers.length, 2, "serve's module, and its chunk of the command");
    t.end();
  },
);

type Test = Parameters<typeof setUp>[0];

async function setUp(t: { testdir(): string; teardown(run: () => unknown): void }) {
  const logPath = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: logPath });
  const collector = await startCollector();
  const warnings: string[] = [];
  const start = (more: Partial<OtlpOptions> = {}) => {
    const running = new OtlpExport({
      ...{ url: new URL(collector.url), logPath, env: FAST, now: () => NOW_MS },
      onWarning: (text) => warnings.push(text),
      ...more,
    });
    t.teardown(() => running.close());
    return running;
  };
  t.teardown(() => Promise.all([collector.close(), log.close()]));
  return { log, logPath, runId: recordStart(log), collector, start, warnings } satisfies {
    log: AnswerLog;
    collector: Collector;
    [name: string]: unknown;
  };
}

/** A process that exports, to be killed. */
function startDevice(t: Test, logPath: string, url: string): ChildProcess {
  const file = path.join(packageRoot, 'dist/runtime/otlp/otlp-export.js');
  const script = `const { OtlpExport } = await import(${JSON.stringify(file)});
    new OtlpExport({ url: new URL('${url}'), logPath: ${JSON.stringify(logPath)}, onWarning() {} });
    setInterval(() => {}, 1000);`;
  const env = { ...process.env, ...FAST };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: 'inherit',
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function killWhen(child: ChildProcess, isSo: () => boolean): Promise<void> {
  await until(isSo);
  child.kill('SIGKILL');
  await once(child, 'exit');
}
