// Units that wait for each other in a circle: systemd leaves one of them out, which a boot shows late or never.
// Asked of systemd itself, with the units of an image before this machine's.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { configFiles } from '../../../appliance/image/config-files.js';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';
import { imageUnit } from '../../../appliance/image/image-unit.js';
import { writeSystemFiles } from '../../../appliance/image/system-file.js';
import { packageRoot } from '../../support/samples.js';

const UNITS = 'etc/systemd/system';

t.test('no unit of an image waits for itself', async (t) => {
  const root = t.testdir();
  cpSync(path.join(packageRoot, 'appliance/image/root'), root, { recursive: true });
  const inputs = {
    compatible: 'hearth-x64-uefi',
    release: '1',
    unit: imageUnit(),
    hasWifi: true,
    isSigned: false,
  };
  const made = configFiles({ ...inputs, machine: IMAGE_MACHINES['x64-uefi'] });
  await writeSystemFiles(
    root,
    made.filter((entry) => entry.kind === 'file'),
  );
  const folder = path.join(root, UNITS);
  const units = readdirSync(folder).filter((name) => /\.(service|path|timer)$/.test(name));
  t.ok(units.includes('hearth-setup.path') && units.includes('hearth.service'));
  const names = units.map((name) => path.join(folder, name.replace('@.', '@tty1.')));
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` };
  const verified = spawnSync('systemd-analyze', ['verify', ...names], { env, encoding: 'utf8' });
  if (verified.error) return t.comment('systemd-analyze is not installed');
  t.same(
    verified.stderr
      .split('\n')
      .filter((line) => /cycl|Unknown|Invalid|Failed to parse/i.test(line)),
    [],
  );
});
