import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openPackedFile } from '../../../devices/flash/packed-file.js';

const content = randomBytes(8 << 20);
const folder = t.testdir();
const plain = path.join(folder, 'content');
writeFileSync(plain, content);
execFileSync('zstd', ['-q', '-1', plain]);
execFileSync('xz', ['-0', '--keep', plain]);

for (const file of [plain, `${plain}.zst`, `${plain}.xz`])
  t.test(`${path.basename(file)} is read to its end, and closed before`, async (t) => {
    const whole = await openPackedFile(file, Error);
    const buffer = Buffer.alloc(content.length + 1);
    t.equal(await whole.read(buffer), content.length);
    t.ok(buffer.subarray(0, content.length).equals(content));
    await whole.close();

    const part = await openPackedFile(file, Error);
    await part.read(Buffer.alloc(1 << 16));
    await part.close();
  });
