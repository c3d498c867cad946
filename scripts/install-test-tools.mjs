// Brings the programs of test-tools.mjs where it may, which is on Debian as root or by a sudo that
// asks for nothing, and names those that are missing elsewhere. TEST_INSTALL=0 installs nothing
// (not HEARTH_…, which hearth serve takes for its settings).
// Usage: install-test-tools.mjs [--required], which fails where one is missing in the end.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { missingTools, TEST_TOOLS } from './test-tools.mjs';

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const missing = installTestTools();
  if (process.argv.includes('--required') && missing.length > 0) process.exitCode = 1;
}

/** The names of those that are missing still. What it asks of the machine can be replaced. */
export function installTestTools({
  missing = missingTools,
  rootCommand = findRootCommand,
  run = runCommand,
  print = console.error,
  env = process.env,
} = {}) {
  const names = missing();
  if (names.length === 0) return [];
  const packages = [...new Set(names.map((name) => TEST_TOOLS[name].package))];
  const root = env.TEST_INSTALL === '0' ? null : rootCommand();
  if (root) {
    print(`installing what tests run (TEST_INSTALL=0 does not): ${packages.join(' ')}`);
    install(packages, (words) => run([...root, ...words]));
  }
  const left = missing();
  if (left.length > 0) print(describe(left));
  return left;
}

function install(packages, run) {
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'];
  // Where an update fails, packages may be known from an earlier one.
  run([...apt, 'update']);
  run([...apt, 'install', '--yes', '--no-install-recommends', ...packages]);
}

function describe(names) {
  const packages = [...new Set(names.map((name) => TEST_TOOLS[name].package))];
  return `missing: ${names.join(', ')}; tests that need them are skipped. Debian has them: apt-get install --no-install-recommends ${packages.join(' ')}`;
}

/** What goes before a command of root's; null where nothing may be installed. */
function findRootCommand() {
  if (!isDebian()) return null;
  if (process.getuid() === 0) return [];
  return runCommand(['sudo', '-n', 'true'], 'ignore') ? ['sudo', '-n'] : null;
}

function isDebian() {
  try {
    return /^ID="?(debian|raspbian)"?$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function runCommand([program, ...words], errors = 'inherit') {
  return spawnSync(program, words, { stdio: ['ignore', 'ignore', errors] }).status === 0;
}
