// Before each test file (package.json names it to tap): the file and its programs run as they do for a
// user. tap imports loaders of modules into both, for TypeScript, mocks and coverage, which nothing here
// uses: a second or more of CPU each time, 15 MiB, and the time and memory that tests look at.
const modules = require('node:module');

modules.register = () => {};
modules.syncBuiltinESMExports();
// What forks take over, such as the one by which node-llama-cpp tries its library.
process.execArgv = [];
// tap's own switch for this process, which then puts nothing into those that it spawns.
process.env.__TAPJS_PROCESSINFO_TESTING_NO_REGISTER__ = String(process.pid);
