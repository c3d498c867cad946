import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { needs } from '../../support/needs.js';
import {
  machineRow,
  modelRow,
  recordStart,
  requestRow,
  runRow,
  STARTED_AT_MS,
  sqlite3,
} from './log-rows.js';

const skip = needs('sqlite3');

t.test('every value of a row comes out of the sqlite3 shell', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'state/hearth/log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  log.recordRequest(requestRow(runId));
  log.recordSample({ runId, takenAtMs: STARTED_AT_MS, rssBytes: 7, cpuTemperatureC: 51.5 });
  log.finishRun(runId, { endedAtMs: STARTED_AT_MS + 5_000, reason: 'stopped' });

  // Read while the log is open: rows are committed when the record function returns.
  t.matchOnly(sqlite3(file, 'SELECT * FROM request')[0], {
    id: 1,
    run_id: runId,
    started_at: '2026-11-24T09:30:00.000Z',
    endpoint: '/v1/chat/completions',
    is_probe: 0,
    prompt_tokens: 500,
    cached_tokens: 400,
    generated_tokens: 80,
    draft_tokens: 40,
    draft_accepted_tokens: 30,
    draft_gain: 1.25,
    queue_ms: 1.5,
    ttft_ms: 120.25,
    prompt_ms: 110,
    generation_ms: 2000,
    total_ms: 2121,
    tokens_per_second: 40,
    inter_token_p50_ms: 24,
    inter_token_p95_ms: 31,
    inter_token_max_ms: 55,
    stop_reason: 'eos',
    error_code: null,
    error_message: null,
    dropped_turns: 2,
    dropped_tokens: 210,
    context_used: 580,
    rss_bytes: 700_000_000,
    peak_rss_bytes: 710_000_000,
    device_before_bytes: 5_800_000_000,
    device_peak_bytes: 5_900_000_001,
    device_after_bytes: 5_850_000_000,
    prompt: null,
    answer: null,
  });
  t.matchOnly(sqlite3(file, 'SELECT * FROM sample')[0], {
    id: 1,
    run_id: runId,
    taken_at: '2026-11-24T09:30:00.000Z',
    rss_bytes: 7,
    available_bytes: null,
    device_used_bytes: null,
    cpu_temperature_c: 51.5,
    device_temperature_c: null,
  });
  t.matchOnly(sqlite3(file, 'SELECT * FROM model')[0], {
    id: 1,
    sha256: modelRow.sha256,
    path: '/models/pruned.gguf',
    modified_at: '2026-11-23T09:30:00.000Z',
    size_bytes: 3_400_000_000,
    name: 'pruned-7b',
    arch: 'deci',
    n_params: 5_400_000_000,
    n_layer: 2,
    n_embd: 4096,
    n_vocab: 32000,
    n_head: '[32,25]',
    n_head_kv: '[32,25]',
    n_ff: '[11008,8960]',
    types: '{"Q4_K":12,"F32":5}',
    provenance: '{"hearth.source":"LLM-Pruner"}',
  });
  t.match(sqlite3(file, 'SELECT * FROM run')[0], {
    ended_at: '2026-11-24T09:30:05.000Z',
    end_reason: 'stopped',
    settings: '{"modelPath":"/models/pruned.gguf","gpu":"auto","parallel":4}',
    backend: 'cuda',
    flash_attention: 1,
    mmap: 0,
    load_ms: 2345.5,
    predicted_total_bytes: 5_900_000_000,
    kv_bytes: 2_000_000_000,
    total_bytes: 5_950_000_000,
  });
  t.match(sqlite3(file, 'SELECT * FROM machine')[0], {
    cpu: 'Ryzen 5 5600',
    cpu_cores: 6,
    gpus: '[{"name":"RTX 3060","memory_bytes":12884901888}]',
    driver: 'NVIDIA 550.54',
  });
  await log.close();
  t.equal(execFileSync('sqlite3', [file, 'PRAGMA integrity_check'], { encoding: 'utf8' }), 'ok\n');
});

t.test(
  'text is stored only when asked for, and nowhere in the files otherwise',
  { skip },
  async (t) => {
    const folder = t.testdir();
    for (const logText of [false, true]) {
      const file = path.join(folder, `${logText}.db`);
      const log = openLog({ path: file, logText });
      log.recordRequest(requestRow(recordStart(log)));
      const bytes = readFileSync(file, 'latin1') + readFileSync(`${file}-wal`, 'latin1');
      t.equal(bytes.includes('fireplace'), logText);
      const text = logText ? ['What is a hearth?', 'The floor of a fireplace.'] : [null, null];
      t.same(sqlite3(file, 'SELECT prompt, answer FROM answers'), [
        { prompt: text[0], answer: text[1] },
      ]);
      await log.close();
    }
  },
);

t.test('an API key among the settings does not reach the log', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const run = runRow(log.recordMachine(machineRow), log.recordModel(modelRow));
  const settings = { ...run.settings, apiKeys: ['sk-secret'] };
  log.recordRun({ ...run, settings });
  t.notMatch(readFileSync(`${file}-wal`, 'latin1'), 'sk-secret');
  await log.close();
});

t.test('a restart finds its machine and model again', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  for (let start = 0; start < 2; start++) {
    const log = openLog({ path: file });
    recordStart(log);
    await log.close();
  }
  const log = openLog({ path: file });
  log.recordMachine({ ...machineRow, driver: 'NVIDIA 560.01' });
  log.recordModel({ ...modelRow, path: '/moved/pruned.gguf' });
  await log.close();
  t.same(sqlite3(file, 'SELECT driver FROM machine'), [
    { driver: 'NVIDIA 550.54' },
    { driver: 'NVIDIA 560.01' },
  ]);
  t.same(sqlite3(file, 'SELECT path FROM model'), [{ path: '/moved/pruned.gguf' }]);
  t.equal(sqlite3(file, 'SELECT * FROM run').length, 2);
});

t.test('a model whose hash is known later joins the one it is', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const machineId = log.recordMachine(machineRow);
  const known = log.recordModel(modelRow);
  const late = log.recordModel({ ...modelRow, sha256: null, path: '/copy.gguf' });
  log.recordRun(runRow(machineId, late));
  log.identifyModel(late, modelRow.sha256 ?? '');
  log.recordRun(runRow(machineId, late));
  const fresh = log.recordModel({ ...modelRow, sha256: null, path: '/other.gguf' });
  log.identifyModel(fresh, 'cd'.repeat(32));
  await log.close();
  t.same(sqlite3(file, 'SELECT model_id FROM run'), [{ model_id: known }, { model_id: known }]);
  t.same(sqlite3(file, 'SELECT path, sha256 FROM model'), [
    { path: '/models/pruned.gguf', sha256: modelRow.sha256 },
    { path: '/other.gguf', sha256: 'cd'.repeat(32) },
  ]);
});

t.test('what an engine that died leaves behind is a row with its error', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const runId = log.recordRun({
    ...runRow(log.recordMachine(machineRow), log.recordModel(modelRow)),
    info: null,
  });
  log.recordRequest({
    runId,
    startedAtMs: STARTED_AT_MS,
    endpoint: 'chat',
    timings: { ttftMs: 12, generatedTokens: Number.NaN },
    memory: { peakRssBytes: 99.6 },
    error: { code: 'HEARTH_ENGINE_CRASH', message: 'the engine was killed' },
  });
  log.finishRun(runId, {
    endedAtMs: STARTED_AT_MS,
    reason: 'crashed',
    error: { code: 'HEARTH_ENGINE_CRASH', message: 'SIGKILL' },
  });
  await log.close();
  t.same(
    sqlite3(
      file,
      'SELECT ttft_ms, generated_tokens, tokens_per_second, peak_rss_bytes, stop_reason, error_code, device, backend FROM answers',
    ),
    [
      {
        ttft_ms: 12,
        generated_tokens: null,
        tokens_per_second: null,
        peak_rss_bytes: 100,
        stop_reason: null,
        error_code: 'HEARTH_ENGINE_CRASH',
        device: 'Ryzen 5 5600',
        backend: null,
      },
    ],
  );
  t.match(sqlite3(file, 'SELECT end_reason, error_message FROM run'), [
    { end_reason: 'crashed', error_message: 'SIGKILL' },
  ]);
});

t.test(
  'a process killed right after recordRequest returned has lost no row',
  { skip },
  async (t) => {
    const file = path.join(t.testdir(), 'log.db');
    const modules = path.resolve(import.meta.dirname, '../../..');
    const script = `
    import { openLog } from '${modules}/runtime/log/answer-log.js';
    import { recordStart, requestRow } from '${modules}/test/runtime/log/log-rows.js';
    const log = openLog({ path: process.argv[1] });
    const runId = recordStart(log);
    for (let i = 0; i < 100; i++) log.recordRequest(requestRow(runId));
    process.kill(process.pid, 'SIGKILL');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, file]);
    t.equal(child.signal, 'SIGKILL', child.stderr.toString());
    t.same(sqlite3(file, 'SELECT count(*) AS n FROM answers'), [{ n: 100 }]);
    const log = openLog({ path: file });
    log.recordRequest(requestRow(1));
    await log.close();
    t.same(sqlite3(file, 'SELECT count(*) AS n FROM answers'), [{ n: 101 }]);
  },
);
