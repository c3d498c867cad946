// The programs of the tests: found, installed where that is allowed, and named where it is not.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { packageRoot } from '../support/samples.js';

type Ways = {
  missing(): string[];
  rootCommand(): string[] | null;
  run(words: string[]): boolean;
  print(line: string): void;
  env: Record<string, string>;
};

const script = path.join(packageRoot, 'scripts/install-test-tools.mjs');
const { installTestTools } = (await import(script)) as {
  installTestTools(ways: Ways): string[];
};
const { findTool, needsTool } = (await import(
  path.join(packageRoot, 'scripts/test-tools.mjs')
)) as {
  findTool(name: string, env: Record<string, string>): string | null;
  needsTool(name: string): string;
};

t.test('what is missing is installed by root, or by sudo, and said before', async (t) => {
  for (const root of [[], ['sudo', '-n']]) {
    const { left, ran, said } = install({ root, installs: true });
    const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'].join(' ');
    t.same(left, []);
    t.same(ran, [
      `${apt} update`,
      `${apt} install --yes --no-install-recommends chromium squashfs-tools`,
    ]);
    t.match(said, [/^installing .*TEST_INSTALL=0.*: chromium squashfs-tools$/]);
    t.equal(said.length, 1);
  }
});

t.test('where nothing may be installed, all that is missing is named in one line', async (t) => {
  for (const options of [
    { root: null, installs: true },
    { root: [], installs: true, env: { TEST_INSTALL: '0' } },
  ]) {
    const { left, ran, said } = install(options);
    t.same(left, ['chromium', 'mksquashfs', 'unsquashfs']);
    t.same(ran, []);
    t.same(said, [
      'missing: chromium, mksquashfs, unsquashfs; tests that need them are skipped. Debian has them: apt-get install --no-install-recommends chromium squashfs-tools',
    ]);
  }
});

t.test('what apt-get could not bring is named', async (t) => {
  const { left, said } = install({ root: [], installs: false });
  t.equal(left.length, 3);
  t.match(said.at(-1), /^missing: chromium, mksquashfs, unsquashfs;/);
});

t.test(
  'a program is found in PATH or by its own variable, and is one that can be run',
  async (t) => {
    const folder = t.testdir({ sqlite3: '', chromium: '' });
    t.equal(findTool('sqlite3', { PATH: folder }), null, 'not executable');
    t.equal(findTool('chromium', { CHROMIUM_PATH: process.execPath }), process.execPath);
    t.equal(findTool('chromium', { CHROMIUM_PATH: path.join(folder, 'none') }), null);
    t.equal(needsTool('xz'), 'needs xz (Debian package xz-utils)');
  },
);

t.test('.ci/run is told by the exit status', async (t) => {
  const env = { PATH: t.testdir(), TEST_INSTALL: '0', CHROMIUM_PATH: '/none' };
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [script, ...words], { env, encoding: 'utf8' });
  t.match(run('--required'), { status: 1, stderr: /^missing: chromium, / });
  t.match(run(), { status: 0 });
});

function install(options: {
  root: string[] | null;
  installs: boolean;
  env?: Record<string, string>;
}) {
  const ran: string[] = [];
  const said: string[] = [];
  const left = installTestTools({
    missing: () =>
      options.installs && ran.length > 0 ? [] : ['chromium', 'mksquashfs', 'unsquashfs'],
    rootCommand: () => options.root,
    run: (words) => ran.push(words.join(' ')) > 0,
    print: (line) => said.push(line),
    env: options.env ?? {},
  });
  return { left, ran, said };
}
