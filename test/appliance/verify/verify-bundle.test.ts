// Bundles that nobody should install, each made by hand, and that verify finds what is wrong.
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type BundleManifest, manifestText } from '../../../appliance/manifest.js';
import { signText } from '../../../appliance/signature.js';
import { verifyBundle } from '../../../appliance/verify/verify-bundle.js';
import { hearth } from '../../support/hearth.js';
import { needs } from '../../support/needs.js';
import { type TestEntry, tarOf } from '../tar-of.js';

const skip = needs('zstd');
const [OURS, OTHER] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];

const FILES: TestEntry[] = [
  { path: 'install.sh', content: '#!/bin/sh\n', mode: 0o755 },
  { path: 'model/chat.gguf', content: 'GGUF' },
];
const MANIFEST = manifestOf(FILES);
const HEAD = head(MANIFEST);

const WRONG: Record<string, [entries: TestEntry[], message: RegExp]> = {
  'nothing in it': [[], /it is empty/],
  'no manifest first': [[...below(FILES), ...HEAD], /starts with install\.sh; expected manifest/],
  'a name that leads out': [[...HEAD, { path: 'hearth-bundle/../x', content: '' }], /leads out of/],
  'an absolute name': [[...HEAD, { path: '/etc/passwd', content: '' }], /is absolute/],
  'a name outside its folder': [[...HEAD, { path: 'x', content: '' }], /not below hearth-bundle/],
  'a symlink': [[...HEAD, ...below([{ path: 'l', content: '', type: '2' }])], /not a regular file/],
  'a hard link': [
    [...HEAD, ...below([{ path: 'l', content: '', type: '1' }])],
    /not a regular file/,
  ],
  'a device': [[...HEAD, ...below([{ path: 'l', content: '', type: '4' }])], /not a regular file/],
  'a file that is not listed': [
    [...HEAD, ...below([...FILES, { path: 'x', content: '' }])],
    /x is not in its manifest/,
  ],
  'a file twice': [
    [...HEAD, ...below([...FILES, ...FILES])],
    /install\.sh is not in .* or there twice/,
  ],
  'a second manifest': [[...HEAD, ...HEAD], /manifest\.json is not in its manifest/],
  'a missing file': [[...HEAD, ...below(FILES.slice(0, 1))], /model\/chat\.gguf is missing/],
  'other content': [
    [...HEAD, ...below(FILES.map((file) => ({ ...file, content: flipped(file.content) })))],
    /install\.sh has the SHA-256 .*; expected/,
  ],
  'another size': [
    [...HEAD, ...below(FILES.map((file) => ({ ...file, content: `${file.content}x` })))],
    /install\.sh has 11 bytes; expected 10/,
  ],
  'another mode': [
    [...HEAD, ...below(FILES.map((file) => ({ ...file, mode: 0o4755 })))],
    /install\.sh has the mode 4755; expected 755/,
  ],
  'a manifest that names what is outside': [
    head({ ...MANIFEST, files: manifestOf([{ path: '../../etc/passwd', content: '' }]).files }),
    /its path "\.\.\/\.\.\/etc\/passwd" leads out/,
  ],
  'a manifest that is none': [below([{ path: 'manifest.json', content: '{' }]), /is not JSON/],
  'a manifest of an image': [
    below([{ path: 'manifest.json', content: '{"kind":"hearth-image"}' }]),
    /kind is "hearth-image"; expected "hearth-bundle"/,
  ],
};

for (const [name, [entries, message]] of Object.entries(WRONG))
  t.test(`a bundle with ${name} is refused`, { skip }, async (t) => {
    const bundle = write(t, tarOf(entries));
    const before = readdirSync(path.dirname(bundle));
    await t.rejects(verifyBundle({ bundle }), { message });
    t.same(readdirSync(path.dirname(bundle)), before, 'nothing is unpacked');
  });

t.test('a bundle that is right is accepted', { skip }, async (t) => {
  const bundle = write(t, tarOf([...HEAD, ...below(FILES)]));
  t.same(await verifyBundle({ bundle }), {
    manifest: MANIFEST,
    signature: 'none',
    contentBytes: 14,
  });
  const target = 'linux-arm64';
  t.match(await verifyBundle({ bundle, target: 'linux-x64' }), {
    manifest: { target: 'linux-x64' },
  });
  await t.rejects(verifyBundle({ bundle, target }), {
    message: /is for linux-x64, not for linux-arm64/,
  });
});

t.test('a bundle that is cut short, altered or none is refused', { skip }, async (t) => {
  const good = tarOf([...HEAD, ...below(FILES)]);
  const bundle = write(t, good);
  const packed = readFileSync(bundle);
  const rewrite = (bytes: Buffer) => writeFileSync(bundle, bytes);
  const wrong: [change: () => void, message: RegExp][] = [
    [() => truncateSync(bundle, packed.length - 9), /is damaged or cut short/],
    [() => truncateSync(bundle, 0), /is empty/],
    [() => rewrite(flippedMiddle(packed)), /is damaged or cut short|SHA-256|no tar archive/],
    [() => rewrite(Buffer.concat([packed, Buffer.from('more')])), /is damaged or cut short/],
    [() => rewrite(Buffer.concat([packed, packed])), /something follows the end/],
    [() => rewrite(good.subarray(0, 700)), /is cut short/],
    [() => rewrite(Buffer.from('no bundle at all'.repeat(50))), /no checksum|no tar archive/],
    [() => rmSync(bundle), /cannot be read \(ENOENT\)/],
  ];
  for (const [change, message] of wrong) {
    rewrite(packed);
    change();
    await t.rejects(verifyBundle({ bundle }), { message });
  }
});

t.test('where a key is given, its owner must have signed', { skip }, async (t) => {
  const { publicKey } = OURS;
  const signed = (signature: Buffer, manifest = MANIFEST) =>
    write(t, tarOf([...head(manifest), ...below([sig(signature)]), ...below(FILES)]));
  const text = manifestText(MANIFEST);
  const right = signed(signText(text, OURS.privateKey));
  t.match(await verifyBundle({ bundle: right, publicKey }), { signature: 'checked' });
  const refused: [bundle: string, message: RegExp][] = [
    [write(t, tarOf([...HEAD, ...below(FILES)])), /is not signed; a key was given/],
    [signed(signText(text, OTHER.privateKey)), /is not by this key, or .* was changed since/],
    [signed(Buffer.alloc(64)), /is not by this key/],
    [signed(Buffer.from('short')), /has 5 bytes; expected 64/],
    [signed(Buffer.alloc(5000)), /manifest\.json\.sig has 5000 bytes/],
    [signed(signText(text, OURS.privateKey), { ...MANIFEST, hearth: '9' }), /was changed since/],
    [
      write(t, tarOf([...HEAD, ...below(FILES), ...below([sig(signText(text, OURS.privateKey))])])),
      /is not signed/,
    ],
  ];
  for (const [bundle, message] of refused)
    await t.rejects(verifyBundle({ bundle, publicKey }), { message });
});

t.test('the command says what it found', { skip }, async (t) => {
  const bundle = write(t, tarOf([...HEAD, ...below(FILES)]));
  t.match(await hearth(['verify', bundle]), {
    status: 0,
    stdout:
      /is whole: 2 files of 14 B for linux-x64, hearth 0\.1\.0\nmodel model\/chat\.gguf\nnot signed\n/,
  });
  const { stdout } = await hearth(['verify', bundle, '--json']);
  t.match(JSON.parse(stdout), { target: 'linux-x64', files: 2, signature: 'none' });
  const key = path.join(path.dirname(bundle), 'pub.pem');
  writeFileSync(key, OURS.publicKey.export({ type: 'spki', format: 'pem' }));
  const run = await hearth(['verify', bundle, '--key', key]);
  t.match(run, { status: 1, stdout: '', stderr: /^hearth: .* is not signed; a key was given/ });
  t.match(await hearth(['verify']), { status: 2 });
});

function below(files: TestEntry[]): TestEntry[] {
  return files.map((file) => ({ ...file, path: `hearth-bundle/${file.path}` }));
}

function head(manifest: BundleManifest): TestEntry[] {
  return below([{ path: 'manifest.json', content: manifestText(manifest) }]);
}

function sig(content: Buffer): TestEntry {
  return { path: 'manifest.json.sig', content };
}

function manifestOf(files: TestEntry[]): BundleManifest {
  return {
    kind: 'hearth-bundle',
    version: 1,
    hearth: '0.1.0',
    target: 'linux-x64',
    model: 'model/chat.gguf',
    files: files.map(({ path, content, mode = 0o644 }) => ({
      path,
      size_bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      mode,
    })),
  };
}

function write(t: Test, bytes: Buffer): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-verify-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const bundle = path.join(folder, 'bundle.tar.zst');
  writeFileSync(bundle, execFileSync('zstd', ['-q', '-c', '-1'], { input: bytes }));
  return bundle;
}

function flipped(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes;
}

function flippedMiddle(content: Buffer): Buffer {
  const at = content.length >> 1;
  return Buffer.concat([content.subarray(0, at), flipped(content.subarray(at))]);
}
