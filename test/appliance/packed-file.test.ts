import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openPackedFile } from '../../appliance/packed-file.js';
import { needs } from '../support/needs.js';

const content = randomBytes(8 << 20);
const folder = t.testdir();
const plain = path.join(folder, 'content');
writeFileSync(plain, content);

const FILES = [
  { file: plain, skip: false, pack: () => {} },
  {
    file: `${plain}.zst`,
    skip: needs('zstd'),
    pack: () => execFileSync('zstd', ['-q', '-1', plain]),
  },
  {
    file: `${plain}.xz`,
    skip: needs('xz'),
    pack: () => execFileSync('xz', ['-0', '--keep', plain]),
  },
];

for (const { file, skip, pack } of FILES)
  t.test(`${path.basename(file)} is read to its end, and closed before`, { skip }, async (t) => {
    pack();
    const whole = await openPackedFile(file, Error);
    const buffer = Buffer.alloc(content.length + 1);
    t.equal(await whole.read(buffer), content.length);
    t.ok(buffer.subarray(0, content.length).equals(content));
    await whole.close();

    const part = await openPackedFile(file, Error);
    await part.read(Buffer.alloc(1 << 16));
    await part.close();
  });
