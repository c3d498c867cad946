// hearth results: what was measured here and elsewhere, out of the log, into it, and by class.
// Export and table print on stdout; import says on stderr what it took.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { openLog } from '../../runtime/log/answer-log.js';
import { defaultLogPath } from '../../runtime/log/log-path.js';
import { openLogReader } from '../../runtime/log/log-reader.js';
import { parseSince } from '../../runtime/log/since.js';
import { valueFlag } from '../../terminal/flags.js';
import { noteAs, print } from '../../terminal/print.js';
import { classText, errorsByClass, pointsByClass } from './by-class.js';
import { readResults, resultLine } from './results-file.js';

const note = noteAs('results');

const logOption = {
  log: valueFlag('The log to use', (file) => path.resolve(file), {
    defaultDescription: '$XDG_STATE_HOME/hearth/log.db',
  }),
} as const;

const readOptions = {
  ...logOption,
  since: valueFlag('Only what was measured since an age or a date: 7d, 2026-01-31', (time) =>
    parseSince(time),
  ),
} as const;

const tableOptions = {
  ...readOptions,
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

export const resultsCommand: CommandModule = {
  command: 'results',
  describe: 'Exchange and compare what hearth measure measured',
  builder: (yargs: Argv) =>
    yargs
      .command(tableCommand)
      .command(exportCommand)
      .command(importCommand)
      .demandCommand(1, 'Name what to do: table, export or import.')
      .example('$0 results table', 'What was measured, by class of device')
      .example('$0 results export > here.jsonl', 'For another machine, without this one’s name'),
  handler: () => {},
};

const tableCommand: CommandModule<object, InferredOptionTypes<typeof tableOptions>> = {
  command: 'table',
  describe: 'Print measured rows by class of device, and how far predictions were off',
  builder: (yargs: Argv) =>
    yargs.options(tableOptions).example('$0 results table --json', 'The same for programs'),
  handler: (argv) => {
    const rows = readRows(argv);
    const [points, errors] = [pointsByClass(rows), errorsByClass(rows)];
    if (rows.length === 0) note(`nothing is measured in ${argv.log ?? defaultLogPath()} yet`);
    if (argv.json) print({ points, errors });
    else if (rows.length > 0) print(classText(points, errors).trimEnd());
  },
};

const exportCommand: CommandModule<object, InferredOptionTypes<typeof readOptions>> = {
  command: 'export',
  describe: 'Print measured rows as JSON Lines, without names of the machine or of folders',
  builder: (yargs: Argv) =>
    yargs.options(readOptions).example('$0 results export > here.jsonl', 'For another machine'),
  handler: (argv) => {
    for (const row of readRows(argv)) process.stdout.write(`${resultLine(row)}\n`);
  },
};

type ImportArguments = InferredOptionTypes<typeof logOption> & { files: string[] };

const importCommand: CommandModule<object, ImportArguments> = {
  command: 'import <files..>',
  describe: 'Take rows of other machines into the log; those that it has already stay as they are',
  builder: (yargs: Argv) =>
    yargs
      .positional('files', {
        describe: 'Of hearth results export',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .options(logOption)
      .example('$0 results import there.jsonl', 'May be repeated; nothing is taken twice'),
  handler: (argv) => importFiles(argv),
};

/** Nothing is taken of any file where one is wrong. */
async function importFiles({ files, log: file }: ImportArguments): Promise<void> {
  const texts = await Promise.all(files.map((name) => readFile(name, 'utf8')));
  const rows = texts.flatMap((text, index) => readResults(text, String(files[index])));
  const log = openLog({ ...(file === undefined ? {} : { path: file }), onWarning: note });
  const known = uids(log.path);
  for (const row of rows) log.recordMeasurement(row, null);
  await log.close();
  const taken = [...uids(log.path)].filter((uid) => !known.has(uid)).length;
  note(`${taken} rows taken, ${rows.length - taken} were there already`);
}

function uids(file: string): Set<string> {
  return new Set(readRows({ log: file }).map(({ uid }) => uid));
}

function readRows({ log: file, since }: { log?: string | undefined; since?: string | undefined }) {
  const log = openLogReader(file === undefined ? {} : { path: file });
  try {
    return log.measurements(since === undefined ? {} : { since });
  } finally {
    log.close();
  }
}
