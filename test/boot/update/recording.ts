// One update with every write of its machine: from a settled system on slot A to the one on slot B that has
// answered and may stay. Made once and kept in the folder; power cuts are looked for in it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { applyWrite, type RecordedWrite, readWrites } from './recorded-writes.js';
import { copyDisk, settledDisk } from './setting.js';

const run = promisify(execFile);

/** Before the update is asked for; once it is installed; before the restart; once B answers; once it stays. */
const MARKS = ['begun', 'installed', 'restarting', 'answered', 'settled'] as const;
type Mark = (typeof MARKS)[number];

export type Recorder = {
  /** for the machine; undefined where nothing is recorded */
  writes: string | undefined;
  mark(name: Mark): Promise<void>;
  /** Whether the settled disk and the writes make `disk`, of a machine that has ended. */
  isWhole(disk: string): Promise<boolean>;
};

export type Recording = {
  file: string;
  /** the disk that the first write found */
  base: string;
  writes: RecordedWrite[];
  /** how many writes there were then */
  marks: Record<Mark, number>;
};

export const NO_RECORDER: Recorder = {
  writes: undefined,
  mark: async () => {},
  isWhole: async () => true,
};

function filesIn(folder: string) {
  return {
    file: path.join(folder, 'update-writes'),
    told: path.join(folder, 'update-writes.json'),
  };
}

export function isRecorded(folder: string): boolean {
  return existsSync(filesIn(folder).told);
}

export async function recorderIn(folder: string, disk: string): Promise<Recorder> {
  const { file, told } = filesIn(folder);
  await rm(told, { force: true });
  const sizes: Partial<Record<Mark, number>> = {};
  return {
    writes: file,
    async mark(name) {
      sizes[name] = (await stat(file)).size;
    },
    async isWhole(after) {
      await writeFile(told, JSON.stringify(sizes));
      const replayed = `${disk}-replayed`;
      const recording = await recordingIn(folder, disk);
      await diskAfter(recording, recording.writes.length, replayed);
      const isSame = await run('cmp', [replayed, after]).then(
        () => true,
        () => false,
      );
      await rm(replayed);
      return isSame;
    },
  };
}

export async function recordingIn(folder: string, disk: string): Promise<Recording> {
  const { file, told } = filesIn(folder);
  const sizes = JSON.parse(await readFile(told, 'utf8')) as Partial<Record<Mark, number>>;
  const writes = await readWrites(file);
  const marks = Object.fromEntries(
    MARKS.map((name) => {
      const isBefore = ({ dataAt, startBytes, endBytes }: RecordedWrite) =>
        dataAt + endBytes - startBytes <= (sizes[name] ?? 0);
      return [name, writes.filter(isBefore).length];
    }),
  ) as Record<Mark, number>;
  return { file, base: settledDisk(disk), writes, marks };
}

/** Makes `disk` what the power leaves after the first `count` writes; `from` says how many it has. */
export async function diskAfter(
  { file, base, writes }: Recording,
  count: number,
  disk: string,
  from = 0,
): Promise<void> {
  if (from === 0) await copyDisk(base, disk);
  await using record = await open(file);
  await using target = await open(disk, 'r+');
  const range = { startBytes: 0, endBytes: (await target.stat()).size };
  for (const write of writes.slice(from, count)) await applyWrite(write, record, target, range);
}
