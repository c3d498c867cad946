// Packages as npm hands them over, and those that no honest registry has.

import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { fetchPackage, unpack } from '../../../appliance/payload/npm-package.js';
import { type TestEntry, tarOf } from '../tar-of.js';

t.test('regular files are unpacked, without the folder at the top', async (t) => {
  const folder = t.testdir();
  const archive = write(folder, [
    { path: 'package/package.json', content: '{}', mode: 0o600 },
    { path: 'package/bin/node', content: 'program', mode: 0o775 },
  ]);
  const target = path.join(folder, 'unpacked');
  await unpack(archive, target);
  t.equal(readFileSync(path.join(target, 'bin/node'), 'utf8'), 'program');
  t.equal(statSync(path.join(target, 'bin/node')).mode & 0o777, 0o755);
  t.equal(statSync(path.join(target, 'package.json')).mode & 0o777, 0o644);
});

t.test('names that lead elsewhere, and links, are refused', async (t) => {
  const wrong: [name: string, type: string, message: RegExp][] = [
    ['package/../../evil', '0', /leads out of its folder/],
    ['../evil', '0', /leads out of its folder/],
    ['/evil', '0', /is absolute/],
    ['evil', '0', /is empty/],
    ['package/link', '2', /is not a regular file/],
    ['package/link', '1', /is not a regular file/],
    ['package/pipe', '6', /is not a regular file/],
  ];
  for (const [name, type, message] of wrong) {
    const folder = t.testdir();
    const archive = write(folder, [{ path: name, content: '', type }]);
    const unpacking = unpack(archive, path.join(folder, 'unpacked'));
    await t.rejects(unpacking, { name: 'PayloadError', message }, name);
    t.same(readdirSync(folder), ['package.tgz']);
  }
});

t.test('a package with another hash is refused, one with the right hash kept', async (t) => {
  const folder = t.testdir({ bin: {}, cache: {} });
  const archive = write(folder, [{ path: 'package/package.json', content: '{}' }]);
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64');
  fakeNpm(t, folder, `cp ${archive} "$4/"`);
  const pinned = { name: '@x/y', version: '1.0.0', integrity: `sha512-${digest}` };
  const wrong = { ...pinned, integrity: 'sha512-other' };
  await t.rejects(fetchPackage(wrong), {
    message: /has the hash sha512-.*, expected sha512-other/,
  });
  t.same(readdirSync(path.join(folder, 'cache/hearth/packages')), [], 'nothing of it is left');
  const fetched = await fetchPackage(pinned);
  t.ok(existsSync(path.join(fetched, 'package.json')));
  fakeNpm(t, folder, 'exit 1');
  t.equal(await fetchPackage(pinned), fetched, 'from the cache');
  fakeNpm(t, folder, 'echo "npm error no network" >&2; exit 1');
  await t.rejects(fetchPackage({ ...pinned, integrity: 'sha512-third' }), {
    message: /@x\/y@1\.0\.0 could not be had from the npm registry: npm error no network/,
  });
});

function write(folder: string, entries: TestEntry[]): string {
  const file = path.join(folder, 'package.tgz');
  writeFileSync(file, gzipSync(tarOf(entries)));
  return file;
}

/** In front of the real one for the time of a test. */
function fakeNpm(t: Test, folder: string, script: string): void {
  const npm = path.join(folder, 'bin/npm');
  writeFileSync(npm, `#!/bin/sh\n${script}\n`);
  chmodSync(npm, 0o755);
  const { PATH = '' } = process.env;
  process.env['PATH'] = `${path.dirname(npm)}:${PATH}`;
  process.env['XDG_CACHE_HOME'] = path.join(folder, 'cache');
  t.teardown(() => {
    process.env['PATH'] = PATH;
  });
}
