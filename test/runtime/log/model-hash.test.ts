import { execFileSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { hashModelFile } from '../../../runtime/log/model-hash.js';
import { modelRow } from './log-rows.js';

t.test('a file is read once, and again when it has changed', async (t) => {
  const folder = t.testdir({ 'model.gguf': 'x'.repeat(3_000_000) });
  const file = path.join(folder, 'model.gguf');
  const log = openLog({ path: path.join(folder, 'log.db') });
  const [real] = execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ');
  t.equal(await hashModelFile(log, file), real);

  // A hash that only the log can know shows that the file was not read.
  const { size, mtimeMs } = statSync(file);
  const remembered = '12'.repeat(32);
  const seen = { path: file, sizeBytes: size, modifiedAtMs: mtimeMs };
  log.recordModel({ ...modelRow, ...seen, sha256: remembered });
  t.equal(await hashModelFile(log, file), remembered);

  utimesSync(file, new Date(0), new Date(0));
  t.equal(await hashModelFile(log, file), real);
  await log.close();
});

t.test('a missing file and an interruption are errors', async (t) => {
  const folder = t.testdir({ 'model.gguf': 'x' });
  const log = openLog({ path: path.join(folder, 'log.db') });
  await t.rejects(hashModelFile(log, path.join(folder, 'none.gguf')), { code: 'ENOENT' });
  const signal = AbortSignal.abort();
  await t.rejects(hashModelFile(log, path.join(folder, 'model.gguf'), { signal }), {
    name: 'AbortError',
  });
  await log.close();
});

t.test('a large file is read between answers, a small one at once', async (t) => {
  const folder = t.testdir({ small: 'x'.repeat(2 ** 20), large: 'x'.repeat(17 * 2 ** 20) });
  for (const [name, isKeptWaiting] of Object.entries({ small: false, large: true })) {
    const file = path.join(folder, name);
    const [real] = execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ');
    let looks = 0;
    const isBusy = () => ++looks <= 5;
    t.equal(await hashModelFile({ knownHash: () => null }, file, { isBusy }), real);
    t.equal(looks > 5, isKeptWaiting, name);
  }
});
