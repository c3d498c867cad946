// The file of rows while it grows: written whole after each row, so that a run that is stopped, or dies, has
// lost one measurement and no other.
import { readFile } from 'node:fs/promises';
import { openOutput } from '../../../terminal/output-file.js';
import { type RealRow, readRealRows, realLine, rowName } from './real-row.js';

export type RowFile = {
  rows(): readonly RealRow[];
  find(name: string): RealRow | undefined;
  /** In the place of the row of the same name, else at the end. */
  put(row: RealRow): Promise<void>;
};

/** Throws where the file holds something else. */
export async function openRowFile(file: string): Promise<RowFile> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const rows = new Map(readRealRows(text, file).map((row) => [rowName(row), row]));
  return {
    rows: () => [...rows.values()],
    find: (name) => rows.get(name),
    async put(row) {
      rows.set(rowName(row), row);
      await replace(file, [...rows.values()].map((one) => `${realLine(one)}\n`).join(''));
    },
  };
}

async function replace(file: string, text: string): Promise<void> {
  const output = await openOutput(file, { inputs: [], force: true });
  try {
    await output.handle.writeFile(text);
    await output.commit();
  } finally {
    await output.discard();
  }
}
