// Against the system's tar, in both directions, and what no honest program writes.
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { tarHeader, tarPadding } from '../../appliance/pack/tar-writer.js';
import { readTar } from '../../appliance/tar-reader.js';
import { tarOf, withType } from './tar-of.js';

const LONG = `${'folder/'.repeat(40)}${'x'.repeat(120)}`;
const FILES: { path: string; content: string; mode?: number }[] = [
  { path: 'a', content: '' },
  { path: 'bin/run', content: 'x'.repeat(513), mode: 0o755 },
  { path: `${'deep/'.repeat(30)}name`, content: 'fits into the prefix' },
  { path: LONG, content: 'needs a pax header' },
  { path: `ä/${'ö'.repeat(70)}`, content: 'bytes, not characters' },
];
const skip = spawnSync('tar', ['--version']).status !== 0 && 'needs tar';

t.test('tar unpacks what we write', { skip }, (t) => {
  const folder = t.testdir();
  writeFileSync(path.join(folder, 'a.tar'), tarOf(FILES));
  execFileSync('tar', ['-xpf', 'a.tar', '--warning=all'], { cwd: folder });
  for (const { path: name, content } of FILES)
    t.equal(readFileSync(path.join(folder, name), 'utf8'), content, name.slice(-40));
  const listed = execFileSync('tar', ['-tvf', 'a.tar'], { cwd: folder, encoding: 'utf8' });
  t.match(listed, /^-rwxr-xr-x root\/root +513 2020-01-01 .* bin\/run$/m);
  t.end();
});

t.test('we read what tar writes', { skip }, async (t) => {
  for (const format of ['ustar', 'pax', 'posix']) {
    const names = FILES.map(({ path }) => path).filter(
      (name) => format !== 'ustar' || (name.length < 170 && !name.includes('ö')),
    );
    const folder = t.testdir();
    for (const { path: name, content } of FILES) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    }
    symlinkSync('a', path.join(folder, 'link'));
    execFileSync('tar', [`--format=${format}`, '-cf', 'a.tar', ...names, 'link'], { cwd: folder });
    const found = new Map<string, string>();
    for await (const entry of readTar(createReadStream(path.join(folder, 'a.tar')), 'a.tar'))
      found.set(entry.path, entry.type === '0' ? `${await buffer(entry.content)}` : entry.type);
    const written = FILES.filter(({ path }) => names.includes(path));
    const expected = written.map(({ path, content }) => [path, content]);
    t.same([...found], [...expected, ['link', '2']], format);
  }
});

t.test('entries that nobody reads are skipped', async (t) => {
  const names: string[] = [];
  for await (const { path } of readTar(pieces(tarOf(FILES), 100), 'a')) names.push(path);
  t.same(
    names,
    FILES.map(({ path }) => path),
  );
});

t.test('large files have their size in a pax header', async (t) => {
  const sizeBytes = 9 * 2 ** 30;
  const header = tarHeader({ path: 'model', sizeBytes, mode: 0o644 });
  for await (const entry of readTar(pieces(header, 512), 'a')) {
    t.match(entry, { path: 'model', sizeBytes });
    break;
  }
});

t.test('what is no whole archive is refused', async (t) => {
  const good = tarOf(FILES);
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };
  const pax = (text: string) => {
    const content = Buffer.from(text);
    const header = tarHeader({ path: 'pax', sizeBytes: content.length, mode: 0o644 });
    return Buffer.concat([withType(header, 'x'), content, tarPadding(content.length), good]);
  };
  const wrong: [bytes: Buffer, message: RegExp][] = [
    [Buffer.alloc(0), /is cut short/],
    [good.subarray(0, 300), /is cut short/],
    [good.subarray(0, 1200), /is cut short/],
    [good.subarray(0, -1024), /is cut short/],
    [Buffer.from('not an archive'.repeat(100)), /no checksum|is not a tar archive/],
    [changed((bytes) => bytes.write('b', 0)), /is not a tar archive, or it is damaged/],
    [changed((bytes) => withType(bytes.fill('z', 124, 136), '0')), /has no size/],
    [Buffer.concat([good, Buffer.from('more')]), /something follows the end/],
    [pax('5 a=1'), /a pax header is damaged/],
    [pax('999 path=x\n'), /a pax header is damaged/],
    [pax('x path=x\n'), /a pax header is damaged/],
    [pax('0 path=x\n'), /a pax header is damaged/],
    [pax('12 size=-5x\n'), /a pax header has the size "-5x"/],
    [withType(tarHeader({ path: 'p', sizeBytes: 1 << 30, mode: 0 }), 'x'), /has 1073741824 bytes/],
  ];
  for (const [i, [bytes, message]] of wrong.entries())
    await t.rejects(readAll(bytes), { name: 'BundleError', message }, `archive ${i}`);
});

async function readAll(bytes: Buffer): Promise<void> {
  for await (const entry of readTar(pieces(bytes, 1000), 'a.tar')) await buffer(entry.content);
}

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
