// The hashes of a system slot, by cryptsetup's veritysetup, which checks them as the kernel does.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { addKernel, addVerity, readVerity } from '../../../appliance/image/verity.js';
import { findTool, skipFileWithout } from '../../support/needs.js';

skipFileWithout('mksquashfs', 'veritysetup');

const folder = t.testdir({ root: { noise: randomBytes(300_000) }, other: {} });
const at = (name: string) => path.join(folder, name);
const quiet = ['-noappend', '-quiet', '-no-progress', '-all-time', '0', '-mkfs-time', '0'];
execFileSync('mksquashfs', [at('root'), at('plain'), ...quiet], { stdio: 'ignore' });
for (const name of ['slot', 'again']) {
  copyFileSync(at('plain'), at(name));
  await addVerity(at(name));
}

/** Whether each block of it is what its root says. */
function isRight(slot: string, verity: string): boolean {
  const [root = '', blocks = ''] = verity.split(':');
  const where = [`--data-blocks=${blocks}`, `--hash-offset=${(Number(blocks) + 1) * 4096}`];
  const what = ['verify', '--no-superblock', '--salt=-', ...where, slot, slot, root];
  return spawnSync(findTool('veritysetup') as string, what).status === 0;
}

t.test('a block that is not what it was is found', async (t) => {
  const verity = await readVerity(at('slot'));
  const blocks = Math.ceil(statSync(at('plain')).size / 4096);
  t.match(verity, new RegExp(`^[0-9a-f]{64}:${blocks}$`));
  t.equal(await readVerity(at('again')), verity, 'the same system has the same hash');
  t.ok(isRight(at('slot'), verity));
  const file = openSync(at('slot'), 'r+');
  writeSync(file, 'x', 50 * 4096 + 7);
  closeSync(file);
  t.notOk(isRight(at('slot'), verity));
});

t.test('a kernel lies behind the hashes, which stay as they are', async (t) => {
  const [slot, kernel] = [at('signed'), at('root/noise')];
  copyFileSync(at('again'), slot);
  await addKernel(slot, kernel);
  const verity = await readVerity(slot);
  t.equal(verity, await readVerity(at('again')));
  t.ok(isRight(slot, verity));
  const blocks = Number(verity.split(':')[1]);
  const content = readFileSync(slot);
  const told = content.toString('latin1', blocks * 4096, (blocks + 1) * 4096);
  const [, begins, bytes] = /^.*\nkernel (\d+) (\d+)\n\0+$/.exec(told) ?? [];
  t.equal(Number(begins) % 4096, 0);
  t.equal(content.length % 4096, 0);
  const there = content.subarray(Number(begins), Number(begins) + Number(bytes));
  t.ok(there.equals(readFileSync(kernel)));
  t.equal(Number(bytes), statSync(kernel).size);
});

t.test('a file without hashes says so', async (t) => {
  await t.rejects(readVerity(at('plain')), /has no hashes behind its files/);
  await t.rejects(addVerity(process.execPath), /is no squashfs/);
});
