// Names for what is there only while a process works. They tell whose it is, so that what a process left that
// was killed, or lost its power, is removed by the next one that writes the same file.
// Processes of other machines and containers, which may share the folder, are left alone: nobody here knows
// whether they live.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A hidden name beside `filePath` that nothing has yet. */
export function temporaryPath(filePath: string): string {
  const { folder, prefix } = placeOf(filePath);
  const owner = `${process.pid}-${thisMachine()}-${randomBytes(4).toString('hex')}`;
  return path.join(folder, `${prefix}${owner}${SUFFIX}`);
}

/** Removes what dead processes of this machine left under such names. */
export async function removeLeftovers(filePath: string): Promise<void> {
  const { folder, prefix } = placeOf(filePath);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !name.endsWith(SUFFIX)) continue;
    const [pid = '', machine] = name.slice(prefix.length).split('-');
    if (!/^\d+$/.test(pid) || machine !== thisMachine() || isAlive(Number(pid))) continue;
    // Somebody else's, in a folder that all may write to, stays.
    await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

const SUFFIX = '.part';

/** Names have 255 bytes at the most; so much of this one is taken. */
const MOST_CHARACTERS = 200;

function placeOf(filePath: string): { folder: string; prefix: string } {
  const name = path.basename(filePath).slice(0, MOST_CHARACTERS);
  return { folder: path.dirname(filePath), prefix: `.${name}.` };
}

/** Where process ids mean the same: a machine, or a container of it. */
function thisMachine(): string {
  const place = [
    os.hostname(),
    orNothing(() => readFileSync('/etc/machine-id', 'utf8')),
    orNothing(() => readlinkSync('/proc/self/ns/pid')),
  ];
  return createHash('sha256').update(place.join('\n')).digest('hex').slice(0, 8);
}

function orNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
