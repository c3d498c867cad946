// hearth log: the latest answers, their percentiles, any SELECT, and following new ones.
// stdout holds only the rows, so that --json and --csv go into a pipe; notes go to stderr.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Options, stringify } from 'csv-stringify/sync';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { valueFlag, wholeNumber } from '../../terminal/flags.js';
import { readable } from '../../terminal/foreign-text.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, print } from '../../terminal/print.js';
import { drawTable } from '../../terminal/table.js';
import { defined } from '../defined.js';
import { defaultLogPath } from './log-path.js';
import {
  type AnswerFilter,
  DEFAULT_LIMIT,
  type LogReader,
  openLogReader,
  type QueryRow,
} from './log-reader.js';
import {
  ANSWER_COLUMNS,
  answerLine,
  answerLineHead,
  queryTable,
  SUMMARY_COLUMNS,
} from './log-tables.js';
import { SUMMARY_GROUPS, type SummaryBy } from './queries-sql.js';
import { parseSince } from './since.js';

const note = noteAs('log');

/** Texts are strangers': a spreadsheet computes what begins like a formula, a terminal obeys controls. */
const CSV: Options = { header: true, escape_formulas: true, cast: { string: readable } };

/** More rows than a terminal shows; --sql has no limit. */
const MAX_LIMIT = 1_000_000;
const POLL_MS = 250;

/** Shared with `tail` and `path`. */
const fileOption = {
  log: {
    ...valueFlag('The log to read', (file) => path.resolve(file)),
    defaultDescription: '$XDG_STATE_HOME/hearth/log.db',
  },
} as const;

const filterOptions = {
  where: valueFlag(
    'Only answers that meet an SQL condition, such as "ttft_ms > 500"',
    (condition) => condition,
  ),
  since: valueFlag('Only answers since an age or a date: 7d, 12h, 2026-01-31', (time) =>
    parseSince(time),
  ),
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

const logOptions = {
  ...fileOption,
  ...filterOptions,
  limit: {
    ...valueFlag('How many answers', wholeNumber('limit', 1, MAX_LIMIT)),
    defaultDescription: String(DEFAULT_LIMIT),
  },
  summary: {
    describe: 'Percentiles of TTFT and tok/s, and peak memory',
    type: 'boolean',
    conflicts: 'limit',
  },
  by: {
    describe: 'Groups of the summary',
    choices: Object.keys(SUMMARY_GROUPS) as SummaryBy[],
    implies: 'summary',
  },
  sql: {
    ...valueFlag('Run one SELECT; the view "answers" has one row a request', (sql) => sql),
    conflicts: ['summary', 'where', 'since', 'limit'],
  },
  csv: { describe: 'Print CSV', type: 'boolean', conflicts: 'json' },
} as const;

type LogArguments = InferredOptionTypes<typeof logOptions>;
type TailArguments = InferredOptionTypes<typeof fileOption & typeof filterOptions>;

export const logCommand: CommandModule<object, LogArguments> = {
  command: 'log',
  describe: 'Show the latency and memory of past answers',
  builder: (yargs: Argv) =>
    yargs
      .command(tailCommand)
      .command(pathCommand)
      .options(logOptions)
      .example('$0 log --summary --by model --since 7d', 'Percentiles of the last week')
      .example('$0 log --where "error_code IS NOT NULL"', 'Answers that failed'),
  handler: (argv) => withLog(argv.log, (log) => show(log, argv)),
};

const tailCommand: CommandModule<object, TailArguments> = {
  command: 'tail',
  describe: 'Follow new answers until Ctrl-C',
  builder: (yargs) => yargs.options({ ...fileOption, ...filterOptions }),
  handler: (argv) => withLog(argv.log, (log) => tail(log, argv)),
};

const pathCommand: CommandModule<object, InferredOptionTypes<typeof fileOption>> = {
  command: 'path',
  describe: 'Print where the log is',
  builder: (yargs) => yargs.options(fileOption),
  handler: (argv) => print(argv.log ?? defaultLogPath()),
};

async function withLog(file: string | undefined, use: (log: LogReader) => unknown): Promise<void> {
  const log = openLogReader(defined({ path: file }));
  try {
    await use(log);
  } finally {
    log.close();
  }
}

function show(log: LogReader, argv: LogArguments): void {
  const filter = filterOf(argv);
  const { sql, summary, by = 'all', limit = DEFAULT_LIMIT } = argv;
  if (sql !== undefined) printRows(log, argv, log.query(sql), queryTable);
  else if (summary)
    printRows(log, argv, log.summary({ ...filter, by }), (rows) =>
      drawTable(SUMMARY_COLUMNS, rows),
    );
  else
    printRows(log, argv, log.latest({ ...filter, limit }), (rows) =>
      drawTable(ANSWER_COLUMNS, rows),
    );
}

function printRows<Row extends QueryRow>(
  log: LogReader,
  { json, csv }: { json?: boolean | undefined; csv?: boolean | undefined },
  rows: Row[],
  toTable: (rows: Row[]) => string,
): void {
  if (rows.length === 0)
    note(log.lastId() === 0 ? `no answers in ${log.path} yet` : 'no such rows');
  if (json) print(JSON.stringify(rows, null, 2));
  else if (csv) process.stdout.write(stringify(rows, CSV));
  else if (rows.length > 0) print(toTable(rows));
}

async function tail(log: LogReader, argv: TailArguments): Promise<void> {
  if (!argv.json) print(answerLineHead());
  await interruptible(async (signal) => {
    for await (const answer of followAnswers(log, filterOf(argv), signal))
      print(argv.json ? JSON.stringify(answer) : answerLine(answer));
  });
}

function filterOf({ where, since }: Pick<TailArguments, 'where' | 'since'>): AnswerFilter {
  return defined({ where, since });
}

/**
 * The latest answers and all later ones, oldest first, until `signal` aborts. Polls SQLite's data_version,
 * which costs microseconds; file watching misses writes to a WAL.
 */
async function* followAnswers(log: LogReader, filter: AnswerFilter, signal: AbortSignal) {
  let version = log.version();
  let lastId = log.lastId();
  const latest = log.latest(filter).filter(({ id }) => id <= lastId);
  yield* latest.reverse();
  while (await isStill(signal)) {
    if (log.version() === version) continue;
    version = log.version();
    for (const row of log.after(lastId, filter)) {
      lastId = row.id;
      yield row;
    }
  }
}

/** Waits for the next look. False once aborted. */
async function isStill(signal: AbortSignal): Promise<boolean> {
  await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
