// Runs a table of hostile files: each must be refused, within the limits that hearth promises.
// CPU time is asserted, not the clock: the clock would measure the other tests as well.
// A bomb is written to a folder of its own and opened by a process of its own.
import path from 'node:path';
import t from 'tap';
import { writeTinyFolder } from '../../support/tiny-torch.js';
import { openApart } from './open-apart.js';

const MAX_PEAK_RSS_MIB = 256;
const MAX_CPU_SECONDS = 5;

export type Bomb = {
  /** Writes the files; returns what is opened, or what is opened with which LoRA. */
  write(folder: string): string | { checkpoint: string; lora: string };
  /** What the message says; null where the file is large but right, and opens. */
  message: RegExp | null;
};

/** One test for each bomb. */
export function testBombs(bombs: Readonly<Record<string, Bomb>>): void {
  for (const [name, bomb] of Object.entries(bombs))
    t.test(name, async (t) => {
      const folder = t.testdir();
      const written = bomb.write(folder);
      const { checkpoint, lora } =
        typeof written === 'string' ? { checkpoint: written, lora: undefined } : written;
      const opened = await openApart(checkpoint, lora);
      if (process.env['HEARTH_BOMB_FIGURES']) t.comment(name, opened);
      t.equal(opened.error, bomb.message && 'CheckpointError', opened.message);
      if (bomb.message) t.match(opened.message, bomb.message);
      t.ok(opened.message.length < folder.length + 600, 'the message is one that a person reads');
      t.ok(opened.message.includes(path.dirname(folder)) || !bomb.message, 'it names the file');
      t.ok(opened.peakRssMib <= MAX_PEAK_RSS_MIB, `peak RSS ${opened.peakRssMib} MiB`);
      t.ok(opened.cpuSeconds <= MAX_CPU_SECONDS, `CPU ${opened.cpuSeconds} s`);
    });
}

/** JSON of keys that all differ and of lists, each with a text of its own. */
export function worstJson(keys: number, lists: number): string {
  const members = Array.from({ length: keys }, (_, i) => `"k${i.toString(36)}":${i}`);
  const items = Array.from({ length: lists }, (_, i) => `["${i.toString(36)}-"]`);
  return `{${[`"lists":[${items}]`, ...members].join()}}`;
}

/** The tiny Hugging Face folder after `change`. */
export function folderAfter(message: RegExp | null, change: (folder: string) => void): Bomb {
  return {
    message,
    write(folder) {
      writeTinyFolder(folder);
      change(folder);
      return folder;
    },
  };
}

/** A header of tables that a model computes itself, which the reader passes over. */
export function headerOf(names: string[]): string {
  const entry = '{"dtype":"F16","shape":[0],"data_offsets":[0,0]}';
  return `{${names.map((name) => `${JSON.stringify(name)}:${entry}`).join()}}`;
}

/** Such a header of `count` tables. */
export function floods(count: number): string {
  return headerOf(Array.from({ length: count }, (_, i) => `l.${i}.rotary_emb.inv_freq`));
}
