// Before tap itself, where npm test runs it: test files start without the modules that tap has each of them
// import first, for TypeScript, mocks and coverage, which nothing here uses: 0.3 s of CPU a file.
// Source maps stay.
const childProcess = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

const { spawn } = childProcess;
childProcess.spawn = (command, words, options) =>
  spawn(
    command,
    Array.isArray(words) ? words.filter((word) => !isTapImport(word)) : words,
    options,
  );
syncBuiltinESMExports();

function isTapImport(word) {
  return /^--import=file:.*\/@tapjs\//.test(word);
}
