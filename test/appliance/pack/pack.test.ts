import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { BundleManifest } from '../../../appliance/manifest.js';
import { pack } from '../../../appliance/pack/pack.js';
import { verifyBundle } from '../../../appliance/verify/verify-bundle.js';
import { needs } from '../../support/needs.js';
import { addonOf, smallHearth, unpackBundle, writeTree } from './small-hearth.js';

const skip = needs('zstd');

t.test('a bundle has what the device needs and no more', { skip }, async (t) => {
  const { request, output, folder } = smallHearth(t);
  const { manifest } = await pack(request);
  const unpacked = unpackBundle(output, path.join(folder, 'unpacked'));
  t.same(
    manifest.files.map(({ path }) => path),
    [
      'SHA256SUMS',
      'app/LICENSE',
      'app/bin/node',
      'app/bin/node.LICENSE',
      'app/dist/cli.js',
      'app/node_modules/@koromix/koffi-linux-arm64/LICENSE',
      'app/node_modules/@koromix/koffi-linux-arm64/bin/node',
      'app/node_modules/@koromix/koffi-linux-arm64/package.json',
      'app/node_modules/@node-llama-cpp/linux-arm64/LICENSE',
      'app/node_modules/@node-llama-cpp/linux-arm64/bin/node',
      'app/node_modules/@node-llama-cpp/linux-arm64/package.json',
      'app/node_modules/a/index.js',
      'app/node_modules/a/node_modules/b/package.json',
      'app/node_modules/a/package.json',
      'app/node_modules/better-sqlite3/build/Release/better_sqlite3.node',
      'app/node_modules/better-sqlite3/lib/index.js',
      'app/node_modules/better-sqlite3/package.json',
      'app/node_modules/c/package.json',
      'app/node_modules/koffi/package.json',
      'app/node_modules/koffi/src/koffi/index.js',
      'app/package.json',
      'bundle.env',
      'config.json',
      'hearth.service',
      'install.sh',
      'model/chat.gguf',
      'uninstall.sh',
    ],
  );
  const addon = 'app/node_modules/better-sqlite3/build/Release/better_sqlite3.node';
  t.ok(readFileSync(path.join(unpacked, addon)).equals(addonOf('linux-arm64')));
  const onDisk = JSON.parse(readFileSync(path.join(unpacked, 'manifest.json'), 'utf8'));
  t.same(onDisk, manifest);
  for (const file of manifest.files) checkFile(t, unpacked, file);
  t.match(await verifyBundle({ bundle: output }), { manifest, signature: 'none' });
});

t.test('the same inputs give the same bytes', { skip }, async (t) => {
  const { request, output, folder } = smallHearth(t);
  await pack(request);
  const again = path.join(folder, 'again.tar.zst');
  utimesSync(request.model, 1, 1);
  chmodSync(path.join(folder, 'hearth/dist/cli.js'), 0o600);
  await pack({ ...request, output: again });
  t.ok(readFileSync(output).equals(readFileSync(again)));
});

t.test('a signed bundle tells by whom', { skip }, async (t) => {
  const { request, output, folder } = smallHearth(t);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyFile = path.join(folder, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o644 });
  const warnings: string[] = [];
  await pack({ ...request, keyFile, onWarning: (text) => warnings.push(text) });
  t.match(warnings, [/others can read .*key\.pem \(mode 644\)/]);
  t.match(await verifyBundle({ bundle: output, publicKey }), { signature: 'checked' });
  t.match(await verifyBundle({ bundle: output }), { signature: 'not checked' });
  chmodSync(keyFile, 0o600);
  await pack({ ...request, keyFile, force: true, onWarning: (text) => warnings.push(text) });
  t.equal(warnings.length, 1);
});

t.test('what cannot be packed is refused, and leaves nothing', { skip }, async (t) => {
  const { request, folder, output } = smallHearth(t);
  const at = (name: string) => path.join(folder, name);
  writeTree(folder, {
    'text.gguf': 'not a model',
    'list.json': '[]',
    'broken.json': '{',
    'key.json': '{"api-key": "secret"}',
    'key.pem': 'no key',
    'bad\nname.gguf': readFileSync(request.model),
    'taken.tar.zst': 'precious',
  });
  writeTree(at('lonely'), { 'package.json': '{"name":"hearth","dependencies":{"gone":"*"}}' });
  mkdirSync(at('lonely/dist'));
  const before = readdirSync(folder).sort();
  const wrong: [change: object, message: RegExp][] = [
    [{ model: at('missing.gguf') }, /missing\.gguf/],
    [{ model: at('text.gguf') }, /text\.gguf/],
    [{ model: at('bad\nname.gguf') }, /name .* has a control character/],
    [
      { configFile: at('list.json') },
      /list\.json cannot be packed: it does not hold a JSON object/,
    ],
    [{ configFile: at('broken.json') }, /broken\.json cannot be packed/],
    [{ configFile: at('key.json') }, /holds a key, .* HEARTH_API_KEY=… in \/etc\/hearth\/env/],
    [{ configFile: at('missing.json') }, /missing\.json cannot be packed: ENOENT/],
    [{ keyFile: at('key.pem') }, /is not a private Ed25519 key/],
    [{ output: at('taken.tar.zst') }, /exists already; pass --force/],
    [{ output: request.model, force: true }, /is one of the files that are read/],
    [{ output: at('nowhere/b.tar.zst') }, /its folder does not exist/],
    [{ hasVulkan: true }, /no llama\.cpp with Vulkan for linux-arm64/],
    [{ root: at('lonely') }, /gone, which .* needs, is not installed/],
  ];
  for (const [change, message] of wrong)
    await t.rejects(pack({ ...request, ...change }), { message });
  t.notOk(existsSync(output));
  t.same(
    readdirSync(folder)
      .sort()
      .filter((name) => name !== 'registry'),
    before,
  );
  t.equal(readFileSync(at('taken.tar.zst'), 'utf8'), 'precious');
});

t.test('a full disk is said, and leaves nothing', { skip }, async (t) => {
  const { request, folder } = smallHearth(t);
  const disk = path.join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  if (mounted.status !== 0) return t.pass('may not mount');
  try {
    writeFileSync(path.join(folder, 'hearth/dist/large.js'), randomText(1 << 20));
    const output = path.join(disk, 'bundle.tar.zst');
    const message = /the disk is full; free some space or write elsewhere/;
    await t.rejects(pack({ ...request, output }), { name: 'OutputError', message });
    t.same(readdirSync(disk), []);
  } finally {
    spawnSync('umount', [disk]);
  }
});

t.test('an interrupted pack leaves nothing', { skip }, async (t) => {
  const { request, folder } = smallHearth(t);
  const stop = new AbortController();
  const packing = pack({ ...request, signal: stop.signal, onBytes: () => stop.abort() });
  await t.rejects(packing, { name: 'AbortError' });
  t.same(
    readdirSync(folder).filter((name) => name.includes('bundle')),
    [],
  );
});

function checkFile(t: Test, folder: string, listed: BundleManifest['files'][number]): void {
  const file = path.join(folder, listed.path);
  const bytes = readFileSync(file);
  t.match(listed, {
    size_bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mode: statSync(file).mode & 0o777,
  });
}

/** That zstd cannot make small. */
function randomText(length: number): string {
  return createHash('shake256', { outputLength: length / 2 })
    .update('')
    .digest('hex');
}
