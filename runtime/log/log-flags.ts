// The options of `hearth chat` and `hearth serve` that say what is recorded, and where.
// One table, so that both commands read them alike.
import path from 'node:path';
import type { InferredOptionTypes, Options } from 'yargs';
import { one, text, valueFlag } from '../../terminal/flags.js';
import { defined } from '../defined.js';
import type { LogOptions } from './answer-log.js';

export const logFlags = {
  log: {
    describe: 'File of the log; --no-log keeps none',
    type: 'string',
    defaultDescription: '$XDG_STATE_HOME/hearth/log.db',
    coerce: logFile,
  },
  'log-text': { describe: 'Store prompts and answers in the log', type: 'boolean' },
  'log-keep': valueFlag('How much of the log to keep: 90d, 500MB', text('log-keep')),
  'log-sync': {
    describe: 'End an answer only when its row is on the disk, where it outlives a power cut',
    type: 'boolean',
  },
} as const satisfies Record<string, Options>;

export type LogFlags = InferredOptionTypes<typeof logFlags>;

export function logOptionsOf({
  log,
  'log-text': logText = false,
  'log-keep': keep,
  'log-sync': sync = false,
}: Partial<LogFlags>): LogOptions | null {
  if (log === false) return null;
  return defined({ path: log, logText, sync, keep });
}

/** `--no-log` makes yargs say false. */
function logFile(value: string | boolean | string[] | undefined): string | false | undefined {
  if (value === false || value === 'false') return false;
  return one((file) => path.resolve(text('log')(file)))(value);
}
