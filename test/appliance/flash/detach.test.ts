import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readBlockDevice } from '../../../appliance/flash/block-device.js';
import { eject } from '../../../appliance/flash/detach.js';
import { type FakeDisk, fakeSystem } from './fake-system.js';

const STICK: FakeDisk = { name: 'sdb', id: '250:16', bus: 'usb' };

t.test('a stick is taken out of the system', async (t) => {
  const { folder, ejection } = await ejected(t.testdir(), STICK, true);
  t.same(ejection, { kind: 'ejected' });
  t.equal(readFileSync(path.join(folder, 'device/delete'), 'utf8'), '1');
});

t.test('a card in a slot needs no more', async (t) => {
  const card = { ...STICK, name: 'mmcblk0', bus: 'mmc', type: 'SD' };
  t.same((await ejected(t.testdir(), card, false)).ejection, { kind: 'removable' });
});

t.test('a built-in disk stays', async (t) => {
  const { folder, ejection } = await ejected(t.testdir(), { ...STICK, bus: 'pci' }, true);
  t.same(ejection, { kind: 'kept' });
  t.equal(readFileSync(path.join(folder, 'device/delete'), 'utf8'), '');
});

t.test('what cannot be ejected is said', async (t) => {
  const { ejection } = await ejected(t.testdir(), STICK, 'folder');
  t.match(ejection, { kind: 'failed', problem: /EISDIR/ });
});

async function ejected(root: string, disk: FakeDisk, hasDelete: boolean | 'folder') {
  const view = fakeSystem(root, [disk], []);
  const device = readBlockDevice(disk.id, view);
  if (!device) throw new Error('the disk is not there');
  const removal = path.join(device.folder, 'device/delete');
  if (hasDelete === 'folder') mkdirSync(removal);
  else if (hasDelete) writeFileSync(removal, '');
  const ejection = await eject({ device, path: `/dev/${disk.name}`, mounts: [] });
  return { folder: device.folder, ejection };
}
