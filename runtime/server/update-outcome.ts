// How the last update of a device ended, from the record that the device keeps: lines of NAME=value.
// hearth serve only tells it on; hearth update and the device's start write it.
import { readFile } from 'node:fs/promises';

const OUTCOMES = ['updated', 'fell-back', 'failed'] as const;

export type UpdateOutcome = {
  outcome: (typeof OUTCOMES)[number];
  release: string;
  from: string;
  at: string;
  /** of one that failed */
  reason: string | null;
};

/** Null where there was no update yet, or where the record cannot be read. */
export async function readUpdateOutcome(file: string): Promise<UpdateOutcome | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const fields = new Map(
    [...text.matchAll(/^([A-Z]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value.replace(/^'(.*)'$/, '$1'),
    ]),
  );
  const outcome = OUTCOMES.find((name) => name === fields.get('OUTCOME'));
  const [release, from, at] = ['RELEASE', 'FROM', 'AT'].map((name) => fields.get(name));
  if (!outcome || !release || !from || !at) return null;
  return { outcome, release, from, at, reason: fields.get('REASON') ?? null };
}
