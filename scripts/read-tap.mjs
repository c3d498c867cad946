// What a run of tap did, from the TAP that its --output-file holds: by file, its tests that passed,
// failed and were skipped, and why they were skipped.
import { readFileSync } from 'node:fs';

const RESULT = /^ {4}((?:not )?ok)\b(?: \d+)?(?: - )?(.*?)(?: # (SKIP|TODO)\b.*| # time=.*)?$/i;
const SKIPPED = /^ *ok\b.* # SKIP\b *(.*)$/i;

/** One entry a file: its own tests are the results that are indented once. */
export function readTap(results, names = []) {
  const files = new Map(names.map((name) => [name, emptyFile()]));
  let current = emptyFile();
  for (const line of withoutDiagnostics(readLines(results))) {
    const [, start] = /^# Subtest: (\S+)$/.exec(line) ?? [];
    if (start !== undefined) current = fileNamed(files, start);
    const [, inner, test, directive] = RESULT.exec(line) ?? [];
    if (directive) current.skipped++;
    else if (inner === 'ok') current.passed++;
    else if (inner !== undefined) current.failures.push(test);
    const [, outer, name] = /^((?:not )?ok) \d+ - (\S+)/.exec(line) ?? [];
    if (name)
      current = Object.assign(fileNamed(files, name), { isOk: outer === 'ok', isDone: true });
    const [, reason] = SKIPPED.exec(line) ?? [];
    // What tap says of a file that has run none, and nobody meant to skip.
    if (reason === undefined || reason === 'no tests found') continue;
    current.reasons.push(reason);
    // A file that is skipped as a whole.
    if (name) current.skipped++;
  }
  return files;
}

/** A line for every reason, with the files whose tests were skipped for it. */
export function describeSkips(files) {
  const reasons = new Map();
  for (const [name, file] of files)
    for (const reason of file.reasons) {
      const counts = reasons.get(reason) ?? new Map();
      reasons.set(reason, counts.set(name, (counts.get(name) ?? 0) + 1));
    }
  return [...reasons].map(([reason, counts]) => {
    const where = [...counts].map(([name, count]) => `${name} (${count})`);
    return `skipped, ${reason || 'without a reason'}: ${where.join(', ')}`;
  });
}

function emptyFile() {
  return { passed: 0, failures: [], skipped: 0, reasons: [], isOk: false, isDone: false };
}

function fileNamed(files, name) {
  const file = files.get(name) ?? emptyFile();
  files.set(name, file);
  return file;
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
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
