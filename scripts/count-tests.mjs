// Counts the tests of a run in the TAP that tap --output-file wrote, and says `N passed, N failed`,
// after what was skipped and why.
// A file counts as failed where it crashed, timed out or never ran, so nothing can pass by silence.
// Runs no test. Usage: count-tests.mjs RESULTS.tap FOLDER-OF-TESTS EXIT-STATUS-OF-TAP
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describeSkips, readTap } from './read-tap.mjs';

const [results, folder, status] = process.argv.slice(2);
const files = readTap(results, listTests(folder));
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
for (const line of describeSkips(files)) console.log(line);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function listTests(folder) {
  const paths = readdirSync(folder, { recursive: true }).filter((file) =>
    file.endsWith('.test.js'),
  );
  return paths.map((file) => path.posix.join(folder, file.replaceAll(path.sep, '/')));
}
