import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { surveyImage } from '../../appliance/block-map.js';
import {
  type BundleManifest,
  type ImageManifest,
  manifestText,
  parseBundleManifest,
  parseImageManifest,
} from '../../appliance/manifest.js';
import { unsafePathReason } from '../../appliance/safe-path.js';
import { readPublicKey, readSigningKey, signText } from '../../appliance/signature.js';

const MiB = 1 << 20;
const SHA = 'a'.repeat(64);
const IMAGE: ImageManifest = {
  kind: 'hearth-image',
  version: 1,
  hearth: '0.1.0',
  target: 'x64-uefi',
  image: { path: 'disk.img', size_bytes: 5 * MiB + 1, sha256: SHA },
  block_map: {
    block_bytes: MiB,
    ranges: [
      { first: 0, last: 1, sha256: SHA },
      { first: 4, last: 5, sha256: SHA },
    ],
  },
  contents: { packages: { systemd: '257' } },
};
const BUNDLE: BundleManifest = {
  kind: 'hearth-bundle',
  version: 1,
  hearth: '0.1.0',
  target: 'linux-arm64',
  model: 'model/chat.gguf',
  files: [
    { path: 'install.sh', size_bytes: 10, sha256: SHA, mode: 0o755 },
    { path: 'model/chat.gguf', size_bytes: 20, sha256: SHA, mode: 0o644 },
  ],
};

t.test('manifests are read as they were written', async (t) => {
  t.same(await parseImageManifest(manifestText(IMAGE), 'm'), IMAGE);
  t.same(await parseBundleManifest(manifestText(BUNDLE), 'm'), BUNDLE);
  t.equal(manifestText(IMAGE), manifestText(structuredClone(IMAGE)));
});

t.test('image manifests that are wrong are refused', async (t) => {
  const ranges = (...pairs: [number, number][]) => ({
    block_map: {
      block_bytes: MiB,
      ranges: pairs.map(([first, last]) => ({ first, last, sha256: SHA })),
    },
  });
  const image = (change: object) => ({ image: { ...IMAGE.image, ...change } });
  const wrong: [change: object, message: RegExp][] = [
    [{ kind: 'hearth-bundle' }, /kind is "hearth-bundle"; expected "hearth-image"/],
    [{ version: 2 }, /version is 2; expected 1, which this hearth reads/],
    [{ target: 'riscv' }, /target is "riscv"; expected x64-uefi or arm64-uefi/],
    [{ hearth: undefined }, /the file has no hearth; expected a text/],
    [{ image: [] }, /image is \[\]; expected an object/],
    [image({ path: '../disk.img' }), /path "\.\.\/disk\.img" leads out of its folder/],
    [image({ path: '/dev/sda' }), /path "\/dev\/sda" is absolute/],
    [image({ size_bytes: -1 }), /size_bytes is -1; expected a whole number/],
    [image({ size_bytes: 1.5 }), /size_bytes is 1.5/],
    [image({ size_bytes: 2 ** 60 }), /size_bytes is 1152921504606847000/],
    [image({ sha256: SHA.toUpperCase() }), /sha256 is .*; expected 64 lowercase/],
    [{ block_map: { block_bytes: 512, ranges: [] } }, /block_bytes is 512; expected a multiple/],
    [ranges([0, 6]), /range 1 is 0 to 6; expected rising ranges within 6 blocks/],
    [ranges([2, 1]), /range 1 is 2 to 1/],
    [ranges([0, 2], [2, 3]), /range 2 is 2 to 3/],
    [ranges([3, 4], [0, 1]), /range 2 is 0 to 1/],
    [{ block_map: { block_bytes: MiB, ranges: 'all' } }, /ranges is "all"; expected a list/],
  ];
  for (const [change, message] of wrong) {
    const text = JSON.stringify({ ...IMAGE, ...change });
    await t.rejects(parseImageManifest(text, 'm'), { name: 'ManifestError', message });
  }
  for (const text of ['', '{', '[]', 'null', '1', '"x"', '{"__proto__":{"kind":"hearth-image"}}'])
    await t.rejects(parseImageManifest(text, 'm'), { name: 'ManifestError' }, text);
});

t.test('bundle manifests that are wrong are refused', async (t) => {
  const file = (change: object) => ({ files: [{ ...BUNDLE.files[0], ...change }] });
  const wrong: [change: object, message: RegExp][] = [
    [{ target: 'x64-uefi' }, /target is "x64-uefi"; expected linux-x64 or linux-arm64/],
    [{ files: {} }, /files is \{\}; expected a list/],
    [{ files: [BUNDLE.files[0], BUNDLE.files[0]] }, /lists "install.sh" twice/],
    [file({ path: 'a/../../b' }), /leads out of its folder/],
    [file({ path: '/etc/passwd' }), /is absolute/],
    [file({ mode: 0o4755 }), /mode is 2541/],
    [file({ mode: 0o777 }), /mode is 511; expected 420 or 493/],
  ];
  for (const [change, message] of wrong) {
    const text = JSON.stringify({ ...BUNDLE, ...change });
    await t.rejects(parseBundleManifest(text, 'm'), { name: 'ManifestError', message });
  }
});

t.test('names that lead anywhere else are unsafe', (t) => {
  const unsafe =
    '|/|/a|..|a/..|../a|a/../b|./a|a/.|a//b|a/|a\\b|..\\a|a\nb|a\u0000b|\u007f|\ud800'.split('|');
  for (const name of [...unsafe, 'a'.repeat(256), 'a/'.repeat(3000)])
    t.type(unsafePathReason(name), 'string', JSON.stringify(name).slice(0, 40));
  for (const name of ['a', 'a/b', '..a', 'a..b/c..', '.hidden', 'ä ö', '-rf', 'a:b'])
    t.equal(unsafePathReason(name), null, name);
  t.end();
});

t.test('a survey has the size, the hashes and what is free', async (t) => {
  const file = path.join(t.testdir(), 'disk.img');
  const bytes = Buffer.alloc(5 * MiB + 1, 1).fill(0, MiB, 4 * MiB);
  writeFileSync(file, bytes);
  const sha256 = (start: number, end: number) =>
    createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
  const all = await surveyImage(file);
  t.same(all.block_map.ranges, [{ first: 0, last: 5, sha256: sha256(0, bytes.length) }]);
  const some = await surveyImage(file, { free: [{ startBytes: 0, endBytes: 3 * MiB + 5 }] });
  t.same(some, {
    size_bytes: bytes.length,
    sha256: sha256(0, bytes.length),
    block_map: {
      block_bytes: MiB,
      ranges: [
        { first: 0, last: 0, sha256: sha256(0, MiB) },
        { first: 3, last: 5, sha256: sha256(3 * MiB, bytes.length) },
      ],
    },
  });
});

const skip = spawnSync('openssl', ['version']).status !== 0 && 'needs openssl';

t.test('openssl makes our keys and verifies our signatures', { skip }, async (t) => {
  const folder = t.testdir({ 'manifest.json': manifestText(BUNDLE) });
  const at = (name: string) => path.join(folder, name);
  const openssl = (words: string) => execFileSync('openssl', words.split(' '), { cwd: folder });
  openssl('genpkey -algorithm ed25519 -out key.pem');
  openssl('pkey -in key.pem -pubout -out pub.pem');
  chmodSync(at('key.pem'), 0o600);
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  const key = await readSigningKey(at('key.pem'), warn);
  t.same(warnings, []);
  writeFileSync(at('sig'), signText(readFileSync(at('manifest.json'), 'utf8'), key));
  openssl('pkeyutl -verify -pubin -inkey pub.pem -rawin -in manifest.json -sigfile sig');
  t.equal((await readPublicKey(at('pub.pem'))).asymmetricKeyType, 'ed25519');

  chmodSync(at('key.pem'), 0o644);
  await readSigningKey(at('key.pem'), warn);
  t.match(warnings, [/others can read .* chmod 600/]);
  openssl('genpkey -algorithm x25519 -out other.pem');
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => readPublicKey(at('key.pem')), /is not a public .* it is a private one/],
    [() => readSigningKey(at('pub.pem'), warn), /is not a private Ed25519 key in PEM/],
    [() => readSigningKey(at('other.pem'), warn), /its type is x25519/],
    [() => readPublicKey(at('manifest.json')), /is not a public Ed25519 key/],
    [() => readPublicKey(at('nothing.pem')), /ENOENT/],
  ];
  for (const [reading, message] of refused)
    await t.rejects(reading(), { name: 'SignatureError', message });
});
