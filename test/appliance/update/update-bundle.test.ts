// Read by Debian's RAUC, as a device reads it.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { makeUpdateKeys, UPDATE_KEYS } from '../../../appliance/update/update-keys.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';
import { skipFileWithout } from '../../support/needs.js';

skipFileWithout('openssl', 'rauc', 'mksquashfs', 'unsquashfs');

const folder = t.testdir();
const at = (...names: string[]) => path.join(folder, ...names);
const model = await applianceGguf(folder, 'appliance/pruned-20');
for (const name of ['keys', 'others'])
  await makeUpdateKeys({ folder: at(name), name: 'Test', days: 30 });
const output = at('update.raucb');

async function makeBundle(model: string, output: string, ...more: string[]) {
  const who = [
    '--cert',
    at('keys', UPDATE_KEYS.signerCert),
    '--key',
    at('keys', UPDATE_KEYS.signerKey),
  ];
  return await hearth([
    'update-bundle',
    model,
    '--target',
    'x64-uefi',
    '-o',
    output,
    ...who,
    ...more,
  ]);
}

function rauc(bundle: string, keys = 'keys') {
  const keyring = `--keyring=${at(keys, UPDATE_KEYS.caCert)}`;
  return spawnSync('rauc', [keyring, 'info', '--output-format=json', bundle], { encoding: 'utf8' });
}

t.test(
  'RAUC takes the bundle from the owner of the key, whole, and from nobody else',
  async (t) => {
    const made = await makeBundle(model, output, '--release', '1.4.2', '--json');
    t.match(made, { status: 0 });
    t.match(JSON.parse(made.stdout), { compatible: 'hearth-x64-uefi', release: '1.4.2' });
    const { status, stdout } = rauc(output);
    t.equal(status, 0);
    const info = JSON.parse(stdout);
    t.match(info, { compatible: 'hearth-x64-uefi', version: '1.4.2' });
    t.match(info.images, [{ model: { filename: 'model.img', adaptive: ['block-hash-index'] } }]);
    t.match(rauc(output, 'others'), { status: 1, stderr: /signature verification failed/ });
    const damaged = at('damaged.raucb');
    execFileSync('cp', [output, damaged]);
    const file = openSync(damaged, 'r+');
    // Within the signature: RAUC reads the images only when it installs them.
    writeSync(file, Buffer.from([0xa5]), 0, 1, statSync(output).size - 600);
    closeSync(file);
    t.match(rauc(damaged), { status: 1, stderr: /signature/i });
  },
);

t.test('the image in it holds the model, aligned, and an index of its blocks', (t) => {
  const content = at('content');
  execFileSync('unsquashfs', ['-q', '-n', '-d', content, output], { stdio: 'ignore' });
  t.same(readdirSync(content).sort(), [
    'manifest.raucm',
    'model.img',
    'model.img.block-hash-index',
  ]);
  t.match(readFileSync(path.join(content, 'manifest.raucm'), 'utf8'), 'format=verity\n');
  const image = path.join(content, 'model.img');
  t.equal(statSync(image).size % 4096, 0);
  execFileSync('unsquashfs', ['-q', '-n', '-d', at('model'), image], { stdio: 'ignore' });
  const name = path.basename(model);
  t.same(readdirSync(at('model')).sort(), [name, 'name', 'release', 'serve.env'].sort());
  t.ok(readFileSync(path.join(at('model'), name)).includes('general.alignment'));
  t.end();
});

t.test('a model for devices whose maker signs their systems is refused by others', async (t) => {
  const signed = at('signed.raucb');
  const made = await makeBundle(model, signed, '--release', '1.4.2', '--secure-boot', '--json');
  t.match(JSON.parse(made.stdout), { compatible: 'hearth-x64-uefi-signed' });
  t.match(JSON.parse(rauc(signed).stdout), { compatible: 'hearth-x64-uefi-signed' });
});

t.test('what no device would take is refused before anything is built', async (t) => {
  const before = readdirSync(folder).sort();
  const signer = at('keys', UPDATE_KEYS.signerCert);
  const refused = async (stderr: RegExp, status: number, ...more: string[]) =>
    t.match(await makeBundle(model, at('no.raucb'), ...more), { status, stderr }, `${stderr}`);
  const make = async (stderr: RegExp, cert: string, key: string) => {
    const words = ['update-bundle', model, '--target', 'x64-uefi', '-o', at('no.raucb')];
    t.match(await hearth([...words, '--cert', cert, '--key', key]), { status: 1, stderr });
  };
  await refused(/--release "v1" is not a version/, 2, '--release', 'v1');
  await make(/is not the key of/, signer, at('others', UPDATE_KEYS.signerKey));
  await make(
    /is not for signing code/,
    at('keys', UPDATE_KEYS.caCert),
    at('keys', UPDATE_KEYS.caKey),
  );
  await make(/is not a certificate in PEM/, at('keys', UPDATE_KEYS.signerKey), signer);
  await make(/is not a private key in PEM/, signer, signer);
  await make(/cannot be read \(ENOENT\)/, at('none'), signer);
  await refused(/needs .* and the device has/, 1, '--memory', '200MiB');
  const nothing = ['update-bundle', '--target', 'x64-uefi', '--cert', signer, '--key', signer];
  t.match(await hearth(nothing), { status: 1, stderr: /an update of nothing/ });
  const boot = [
    ...['--secure-boot-key', at('keys', UPDATE_KEYS.bootKey)],
    ...['--secure-boot-cert', at('keys', UPDATE_KEYS.bootCert)],
  ];
  await refused(/signs a system; pass --system, too/, 1, ...boot);
  await refused(/secure-boot-key -> secure-boot-cert/, 2, ...boot.slice(0, 2));
  await refused(/start no system that is not signed/, 1, '--system', '--secure-boot');
  t.match(await makeBundle(model, output), { status: 1, stderr: /--force/ });
  t.match(await makeBundle(signer, at('no.raucb')), { status: 1, stderr: /not a GGUF/ });
  t.same(readdirSync(folder).sort(), before, 'nothing is left');
});
