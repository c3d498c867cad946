// npm test, after the build: brings the programs that tests run where it may, runs tap with the
// words that it is given, and names at the end what was skipped, and why.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installTestTools } from './install-test-tools.mjs';
import { describeSkips, readTap } from './read-tap.mjs';

const TAP = ['../scripts/bare-run.cjs', '../node_modules/tap/dist/esm/run.mjs'].map(
  (file) => new URL(file, import.meta.url).pathname,
);

installTestTools();
const words = process.argv.slice(2);
const folder = mkdtempSync(path.join(os.tmpdir(), 'hearth-test-'));
// Where test files keep what others need, too: test/support/appliance-gguf.ts.
const env = { ...process.env, TEST_SHARED: folder };
try {
  const given = outputFile(words);
  const results = given ?? path.join(folder, 'results.tap');
  const all = given === undefined ? [`--output-file=${results}`, ...words] : words;
  const { status } = spawnSync(process.execPath, ['--require', ...TAP, ...all], {
    stdio: 'inherit',
    env,
  });
  for (const line of describeSkips(readTap(results))) console.log(line);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** tap writes one such file: the user's, where one is named. */
function outputFile(words) {
  const at = words.findIndex((word) => /^(-o|--output-file)(=|$)/.test(word));
  return words[at]?.split('=')[1] ?? words[at + 1 || words.length];
}
