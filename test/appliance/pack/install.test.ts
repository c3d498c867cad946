// Bundles as a device installs them: with its shell, tar and the Node that is in them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { pack } from '../../../appliance/pack/pack.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { runProgram } from '../../support/hearth.js';
import { needs } from '../../support/needs.js';
import { smallHearth, unpackBundle } from './small-hearth.js';

const skip = needs('zstd');

t.test('install.sh installs, updates and removes, without network', { skip }, async (t) => {
  const { request, output, folder } = smallHearth(t, 'linux-x64');
  const bundle = async (name: string) => {
    await pack({ ...request, force: true });
    return unpackBundle(output, path.join(folder, name));
  };
  const root = path.join(folder, 'root');
  const run = (script: string, ...words: string[]) =>
    runProgram(['sh', script, ...words], { env: { DESTDIR: root } });
  const at = (file: string) => path.join(root, file);
  mkdirSync(root);

  const first = await bundle('first');
  t.match(await run(`${first}/install.sh`), { status: 0, stderr: '' });
  t.match(readFileSync(at('etc/systemd/system/hearth.service'), 'utf8'), /ExecStart/);
  t.ok(existsSync(at('etc/systemd/system/multi-user.target.wants/hearth.service')));
  const [node, cli] = [
    at('opt/hearth/current/app/bin/node'),
    at('opt/hearth/current/app/dist/cli.js'),
  ];
  t.equal(execFileSync(node, [cli, 'log'], { encoding: 'utf8' }), 'log\n');
  t.equal(statSync(node).mode & 0o777, 0o755);

  writeFileSync(at('etc/hearth/config.json'), '{"port":"9000"}');
  t.match(await run(`${first}/install.sh`), { status: 0, stderr: '' });
  writeFileSync(path.join(folder, 'hearth/dist/cli.js'), 'console.log("new")');
  t.match(await run(`${await bundle('second')}/install.sh`), { status: 0, stderr: '' });
  t.equal(execFileSync(node, [cli], { encoding: 'utf8' }), 'new\n');
  t.equal(readdirSync(at('opt/hearth/releases')).length, 1);
  t.equal(readFileSync(at('etc/hearth/config.json'), 'utf8'), '{"port":"9000"}');

  writeFileSync(path.join(first, 'app/dist/cli.js'), 'damaged');
  t.match(await run(`${first}/install.sh`), { status: 1, stderr: /files are damaged or missing/ });
  t.equal(execFileSync(node, [cli], { encoding: 'utf8' }), 'new\n', 'the old one goes on working');

  const uninstall = at('opt/hearth/current/uninstall.sh');
  t.match(await run(uninstall, '--nonsense'), { status: 2, stderr: /usage/ });
  t.match(await run(uninstall), { status: 0, stderr: '' });
  t.notOk(existsSync(at('opt/hearth')));
  t.ok(existsSync(at('etc/hearth/config.json')), 'settings stay');
  t.match(await run(`${first}/uninstall.sh`, '--purge'), { status: 0, stderr: '' });
  t.notOk(existsSync(at('etc/hearth')));
});

t.test('a bundle for another processor is not installed', { skip }, async (t) => {
  const target = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64';
  const { request, output, folder } = smallHearth(t, target);
  await pack(request);
  const unpacked = unpackBundle(output, path.join(folder, 'unpacked'));
  const run = await runProgram(['sh', `${unpacked}/install.sh`], { env: { DESTDIR: '' } });
  const isRoot = process.getuid?.() === 0;
  const stderr = isRoot ? /this bundle is for linux-\w+, this device is \w+/ : /only root/;
  t.match(run, { status: 1, stderr });
});

const isHere =
  process.platform === 'linux' && process.arch === 'x64' && process.versions.modules === '115';

t.test(
  'this hearth, packed and installed, answers',
  { skip: skip || (!isHere && 'needs Node 20 on x64') },
  async (t) => {
    const { request, output, folder } = smallHearth(t, 'linux-x64');
    const { root: _, ...real } = request;
    const model = await applianceGguf(folder);
    await pack({ ...real, model });
    const unpacked = unpackBundle(output, path.join(folder, 'unpacked'));
    t.match(
      readFileSync(path.join(unpacked, 'hearth.service'), 'utf8'),
      /^ExecStart=\/opt\/hearth\/current\/app\/bin\/node \/opt\/hearth\/current\/app\/dist\/cli\.js serve \/opt\/hearth\/current\/model\/.*\.gguf --log-sync --config \/etc\/hearth\/config\.json$/m,
    );
    const hearth = (...words: string[]) =>
      runProgram([`${unpacked}/app/bin/node`, `${unpacked}/app/dist/cli.js`, ...words], {
        env: { XDG_STATE_HOME: folder },
      });
    // All commands are loaded for this, and with them whatever they need.
    t.match(await hearth('--help'), { status: 0, stdout: /hearth serve/ });
    const answer = await hearth('chat', model, '--once', 'Hello', '--max-tokens', '2');
    t.match(answer, { status: 0, stdout: /\S/ });
    t.ok(existsSync(path.join(folder, 'hearth/log.db')), 'and SQLite has recorded it');
  },
);
