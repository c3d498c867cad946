// What a device refuses, with Debian's RAUC and the image's own configuration of it.
// Installing takes the device's slots, loader and bus: npm run test:update does that.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { raucConfig } from '../../../appliance/image/rauc-config.js';
import { readDevice } from '../../../appliance/update/device.js';
import { bundleAt, updateDevice } from '../../../appliance/update/update-device.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { skipFileWithout } from '../../support/needs.js';
import { makeExpiredSigner } from './expired-signer.js';

skipFileWithout('openssl', 'rauc', 'mksquashfs');

const folder = t.testdir();
const at = (...names: string[]) => path.join(folder, ...names);
for (const name of ['keys', 'others'])
  await makeUpdateKeys({ folder: at(name), name: 'Test', days: 30 });
makeExpiredSigner(at('expired'), at('keys'));
const run = (program: string, ...words: string[]) =>
  execFileSync(program, words, { stdio: 'ignore' });

/** A device on slot A with release 2.0, which trusts `keys`. */
function makeDevice(files: Record<string, string> = {}): string {
  const root = at('device');
  const ca = readFileSync(at('keys', UPDATE_KEYS.caCert), 'utf8');
  const caFile = '/run/hearth-settings/update-ca.pem';
  for (const [name, text] of Object.entries({
    '/etc/rauc/system.conf': raucConfig('hearth-x64-uefi').replace(caFile, `${root}${caFile}`),
    [caFile]: ca,
    '/run/hearth-disk/slot': 'a\n',
    '/usr/lib/hearth/release': '1.0\n',
    '/model/release': '2.0\n',
    ...files,
  })) {
    mkdirSync(path.dirname(root + name), { recursive: true });
    writeFileSync(root + name, text);
  }
  return root;
}

type Made = { release?: string; keys?: string; format?: string; compatible?: string };

/** Path of a bundle with a small image, as `rauc bundle` signs it. */
function makeBundle(name: string, made: Made = {}): string {
  const {
    release = '3.0',
    keys = 'keys',
    format = 'verity',
    compatible = 'hearth-x64-uefi',
  } = made;
  const content = at(`${name}-content`);
  mkdirSync(content);
  writeFileSync(path.join(content, 'model.img'), randomBytes(8192));
  writeFileSync(
    path.join(content, 'manifest.raucm'),
    `[update]\ncompatible=${compatible}\nversion=${release}\n\n[bundle]\nformat=${format}\n\n[image.model]\nfilename=model.img\n`,
  );
  const bundle = at(`${name}.raucb`);
  const [cert, key] = [at(keys, UPDATE_KEYS.signerCert), at(keys, UPDATE_KEYS.signerKey)];
  run('rauc', 'bundle', `--cert=${cert}`, `--key=${key}`, content, bundle);
  return bundle;
}

t.test('a bundle of the owner of the key is believed, of nobody else', async (t) => {
  const root = makeDevice();
  const device = await readDevice(root);
  t.match(device, { compatible: 'hearth-x64-uefi', release: '2.0', slot: 'a', updateUrl: null });
  const update = (source: string, allowsOlder = false) =>
    updateDevice({ device, source, allowsOlder, root });
  t.same(await update(makeBundle('same', { release: '2.0.0' })), {
    ...{ kind: 'current', release: '2.0.0' },
  });
  const older = makeBundle('older', { release: '1.9' });
  await t.rejects(update(older), /has version 1\.9, older than 2\.0, .*--allow-downgrade/);
  const refused: [RegExp, string][] = [
    [/signature verification failed/, makeBundle('wrong-key', { keys: 'others' })],
    [/expired/, makeBundle('expired-signer', { keys: 'expired' })],
    [/format 'plain' not allowed|plain/, makeBundle('plain', { format: 'plain' })],
    [
      /is for hearth-arm64-uefi, and this is/,
      makeBundle('arm', { compatible: 'hearth-arm64-uefi' }),
    ],
    [/is not a version/, makeBundle('unversioned', { release: '3.0;reboot' })],
    [/refused/, at('none.raucb')],
  ];
  for (const [reason, bundle] of refused) await t.rejects(update(bundle), reason, bundle);
  const cut = makeBundle('cut');
  truncateSync(cut, statSync(cut).size - 100);
  await t.rejects(update(cut), /refused/);
  t.notOk(existsSync(path.join(root, 'data')), 'and nothing is recorded of what was never begun');
});

t.test('what is installed already waits for the next start', async (t) => {
  const root = makeDevice({ '/data/update/installed': 'SLOT=b\nRELEASE=3.0\nFROM=2.0\n' });
  mkdirSync(at('folder'));
  run('cp', makeBundle('waiting'), at('folder', 'hearth-x64-uefi.raucb'));
  const device = await readDevice(root);
  const source = await bundleAt(at('folder'), device.compatible);
  t.same(await updateDevice({ device, source, allowsOlder: false, root }), {
    ...{ kind: 'waiting', release: '3.0' },
  });
});

t.test('a machine that takes no updates says why', async (t) => {
  await t.rejects(readDevice(t.testdir()), /no device of hearth image/);
  const other = t.testdir({
    etc: { rauc: { 'system.conf': 'compatible=x\n' } },
    run: { 'hearth-disk': { slot: 'a\n' } },
  });
  await t.rejects(readDevice(other), /made without --update-ca/);
});
