// Counts the tests of a run in the TAP that tap --output-file wrote, and says `N passed, N failed`.
// A file counts as failed where it crashed, timed out or never ran, so nothing can pass by silence.
// Runs no test. Usage: count-tests.mjs RESULTS.tap FOLDER-OF-TESTS EXIT-STATUS-OF-TAP
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const RESULT = /^ {4}((?:not )?ok)\b(?: \d+)?(?: - )?(.*?)(?: # (SKIP|TODO)\b.*| # time=.*)?$/i;

const [results, folder, status] = process.argv.slice(2);
const files = listFiles(readTap(results), listTests(folder));
let passed = 0;
let failed = 0;
for (const [name, file] of files) {
  passed += file.passed;
  // A file that ran no test at all is no success either.
  const isBroken = file.failures.length === 0 && (!file.isOk || file.passed + file.skipped === 0);
  failed += file.failures.length + (isBroken ? 1 : 0);
  for (const test of file.failures) console.log(`${name}: ${test}`);
  if (isBroken) console.log(`${name}: ${file.isDone ? 'failed outside its tests' : 'did not end'}`);
}
// What tap itself complains of, or an end before tap could write.
if (failed === 0 && (status !== '0' || passed === 0)) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function readTap(file) {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function listTests(folder) {
  const paths = readdirSync(folder, { recursive: true }).filter((file) =>
    file.endsWith('.test.js'),
  );
  return paths.map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')));
}

/** One entry a file: its own tests are the results that are indented once. */
function listFiles(lines, names) {
  const empty = () => ({ passed: 0, failures: [], skipped: 0, isOk: false, isDone: false });
  const files = new Map(names.map((name) => [name, empty()]));
  let current = empty();
  for (const line of withoutDiagnostics(lines)) {
    const [, start] = /^# Subtest: (\S+)$/.exec(line) ?? [];
    if (start !== undefined) current = files.get(start) ?? empty();
    const [, inner, test, directive] = RESULT.exec(line) ?? [];
    if (directive) current.skipped++;
    else if (inner === 'ok') current.passed++;
    else if (inner !== undefined) current.failures.push(test);
    const [, outer, name] = /^((?:not )?ok) \d+ - (\S+)/.exec(line) ?? [];
    const file = files.get(name);
    if (file) Object.assign(file, { isOk: outer === 'ok', isDone: true });
  }
  return files;
}

/** YAML blocks may quote anything, lines that look like results included. */
function* withoutDiagnostics(lines) {
  let indent = null;
  for (const line of lines) {
    const [, start] = /^( *)---$/.exec(line) ?? [];
    if (indent === null && start !== undefined) indent = start;
    else if (indent !== null && line === `${indent}...`) indent = null;
    else if (indent === null) yield line;
  }
}
