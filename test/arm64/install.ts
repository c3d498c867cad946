// hearth pack for arm64, and its install.sh as a board runs it: by Debian's arm64 shell, tar and coreutils, as
// root of that system. What it leaves is what the other parts run.
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pack } from '../../appliance/pack/pack.js';
import { applianceGguf } from '../support/appliance-gguf.js';
import { checkNativeFiles } from './native-files.js';
import { APP, type Arm64Setting } from './setting.js';

const BUNDLE = '/root/bundle.tar.zst';
const INSTALL = '/root/hearth-bundle/install.sh';
const SETTINGS = '{"port":"9000"}';

export async function checkInstall(setting: Arm64Setting) {
  const { system, folder, signal, check } = setting;
  const model = await applianceGguf(folder);
  const output = path.join(folder, 'bundle.tar.zst');
  await pack({ model, target: 'linux-arm64', output, force: true, zstdLevel: 1, signal });
  await copyFile(output, system.at(BUNDLE));
  await system.output('tar', '--zstd', '-C', '/root', '-xf', BUNDLE);
  check(true, 'the bundle is packed here, and unpacked by arm64 tar and zstd');

  await system.output('sh', INSTALL);
  const seen = await system.output(`${APP}/bin/node`, '-p', 'process.version + process.arch');
  check(/^v20\..*arm64$/.test(seen.trim()), `install.sh installs it; its Node is ${seen.trim()}`);
  await checkNativeFiles(setting);

  await writeFile(system.at('etc/hearth/config.json'), SETTINGS);
  await system.output('sh', INSTALL);
  const releases = await readdir(system.at('opt/hearth/releases'));
  const settings = await readFile(system.at('etc/hearth/config.json'), 'utf8');
  check(
    releases.length === 1 && settings === SETTINGS,
    'install.sh runs again: one release, and the settings stay',
  );

  const [file, kept] = [system.at('root/hearth-bundle/app/package.json'), `${folder}/kept.json`];
  await copyFile(file, kept);
  await writeFile(file, 'damaged');
  const { status, stderr } = await system.run('sh', INSTALL);
  await copyFile(kept, file);
  check(status === 1 && /damaged or missing/.test(stderr), 'install.sh refuses a damaged file');

  const help = await system.output('hearth', '--help');
  check(/hearth serve/.test(help), 'every command loads: hearth --help');
}

/** After all that runs it. */
export async function checkUninstall({ system, check }: Arm64Setting) {
  await system.output('sh', '/opt/hearth/current/uninstall.sh');
  const left = await readdir(system.at('opt'));
  const settings = await readFile(system.at('etc/hearth/config.json'), 'utf8');
  check(left.length === 0 && settings === SETTINGS, 'uninstall.sh removes it; the settings stay');
}
