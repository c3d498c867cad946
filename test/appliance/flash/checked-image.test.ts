// Images that must not be written, and that nothing is when they are tried.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { flash, planFlash } from '../../../appliance/flash/flash.js';
import { manifestText } from '../../../appliance/manifest.js';
import { signText } from '../../../appliance/signature.js';
import { SKIP_WITHOUT_LOOP } from '../../support/loop-device.js';
import { needs } from '../../support/needs.js';
import { addManifest, flipByte, isOld, isZero, MiB, setUp } from './flash-setup.js';

const skip = SKIP_WITHOUT_LOOP;

t.test('an image that is not what its manifest says is not written', { skip }, async (t) => {
  const changes: Record<string, [change: (file: string) => void, message: RegExp]> = {
    'cut short': [(file) => truncateSync(file, 4 * MiB), /has 4194304 bytes, expected 5242880/],
    'too long': [(file) => writeFileSync(file, 'x', { flag: 'a' }), /has 5242881 bytes/],
    altered: [(file) => flipByte(file, 4 * MiB + 7), /SHA-256 is [0-9a-f]{64}, expected/],
    empty: [(file) => truncateSync(file, 0), /is empty/],
    'a zip': [(file) => writeFileSync(file, 'PK\u0003\u0004'), /is a zip file; unpack it/],
  };
  for (const [name, [change, message]] of Object.entries(changes)) {
    const { disk, request, imagePath } = setUp(t, 5 * MiB);
    await addManifest(imagePath);
    change(imagePath);
    await t.rejects(flash(request), { reason: 'bad-image', message }, name);
    t.ok(isOld(readFileSync(disk.file)), `${name}: nothing is written`);
  }
});

t.test(
  'a compressed image that is cut short or altered is not written',
  { skip: skip || needs('zstd', 'xz') },
  async (t) => {
    for (const [suffix, words] of [
      ['zst', ['zstd', '-q', '-1']],
      ['xz', ['xz', '-0', '-k']],
    ] as const)
      for (const change of [(file: string) => truncateSync(file, MiB >> 1), flipMiddle]) {
        const { disk, request, imagePath } = setUp(t, MiB);
        execFileSync(words[0], [...words.slice(1), imagePath]);
        const packed = `${imagePath}.${suffix}`;
        change(packed);
        await t.rejects(flash({ ...request, imagePath: packed }), {
          reason: 'bad-image',
          message: /is damaged or cut short: (zstd|xz) says ".+"; get it again/,
        });
        t.ok(isOld(readFileSync(disk.file)));
      }
  },
);

t.test('an image that changes after it was checked does not boot', { skip }, async (t) => {
  const { disk, request, imagePath } = setUp(t, 9 * MiB);
  const confirm = async () => {
    flipByte(imagePath, 8 * MiB);
    return true;
  };
  const message = /changed while it was written; the disk does not boot/;
  await t.rejects(flash({ ...request, confirm }), { reason: 'bad-image', message });
  t.ok(isZero(readFileSync(disk.file).subarray(0, MiB)));
});

t.test('where a key is given, its owner must have signed', { skip }, async (t) => {
  const { request, imagePath } = setUp(t, MiB);
  const [ours, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const keyed = { ...request, publicKey: ours.publicKey };
  await t.rejects(planFlash(keyed), { message: /has no disk\.img\.manifest\.json, but a key was/ });
  const manifest = await addManifest(imagePath);
  await t.rejects(planFlash(keyed), { message: /manifest\.json is not signed/ });
  const signature = `${imagePath}.manifest.json.sig`;
  writeFileSync(signature, signText(manifestText(manifest), other.privateKey));
  await t.rejects(planFlash(keyed), { message: /is not by this key, or .* was changed since/ });
  writeFileSync(signature, 'short');
  await t.rejects(planFlash(keyed), { message: /has 5 bytes; expected 64/ });
  writeFileSync(signature, signText(manifestText(manifest), ours.privateKey));
  t.match(await planFlash(keyed), { image: { manifest: { target: 'x64-uefi' } } });
  flipByte(`${imagePath}.manifest.json`, 30);
  await t.rejects(planFlash(keyed), { code: 'HEARTH_SIGNATURE' });
});

t.test('an image for another machine is refused where one is named', { skip }, async (t) => {
  const { request, imagePath } = setUp(t, MiB);
  const imageTarget = 'arm64-uefi';
  await t.rejects(planFlash({ ...request, imageTarget }), { message: /but a target was given/ });
  await addManifest(imagePath);
  const message = /disk\.img is for x64-uefi, not for arm64-uefi/;
  await t.rejects(planFlash({ ...request, imageTarget }), { message });
  await t.resolves(planFlash({ ...request, imageTarget: 'x64-uefi' }));
});

function flipMiddle(file: string): void {
  flipByte(file, readFileSync(file).length >> 1);
}
