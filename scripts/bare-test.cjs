// Before each test file (package.json names it to tap): the file and its programs run as they do for a
// user. tap registers loaders of modules in both, for TypeScript, mocks and coverage, which nothing here
// uses: a second or more of CPU each time, 15 MiB, and the time and memory that tests look at. Without npm
// test, which leaves it out (bare-run.cjs), it imports what registers them, too.
const modules = require('node:module');

// Or else it would import a compiler, too.
process.env.TAP_TYPE_STRIP_ONLY = '1';
modules.register = () => {};
modules.syncBuiltinESMExports();
// What forks take over, such as the one by which node-llama-cpp tries its library.
process.execArgv = [];
// tap's own switch for this process, which then puts nothing into those that it spawns.
process.env.__TAPJS_PROCESSINFO_TESTING_NO_REGISTER__ = String(process.pid);
