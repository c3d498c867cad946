import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import {
  MEASUREMENT_FIELDS,
  type MeasurementRow,
} from '../../../runtime/log/measurement-fields.js';
import { sqlite3 } from '../../runtime/log/log-rows.js';
import { hearth } from '../../support/hearth.js';
import { needs } from '../../support/needs.js';
import { measurementRow } from '../measurement-rows.js';

const skip = needs('sqlite3');

const folder = t.testdir();

async function logOf(name: string, rows: MeasurementRow[]): Promise<string> {
  const file = path.join(folder, name);
  const log = openLog({ path: file });
  for (const row of rows) log.recordMeasurement(row, null);
  await log.close();
  return file;
}

t.test('the table of the log has the columns that rows have', { skip }, async (t) => {
  const log = await logOf('columns.db', []);
  const columns = sqlite3(log, "SELECT name FROM pragma_table_info('measurement')");
  t.same(
    columns.map(({ name }) => name),
    ['id', 'run_id', ...Object.keys(MEASUREMENT_FIELDS)],
  );
});

t.test('rows travel to another log as they are, and once', async (t) => {
  const rows = [measurementRow(), measurementRow({ test: 'pp512', driver: null })];
  const { stdout } = await hearth(['results', 'export', '--log', await logOf('here.db', rows)]);
  const file = path.join(folder, 'here.jsonl');
  writeFileSync(file, stdout);
  const there = await logOf('there.db', []);
  for (const told of ['2 rows taken, 0 were', '0 rows taken, 2 were'])
    t.match(await hearth(['results', 'import', file, '--log', there]), {
      status: 0,
      stderr: told,
    });
  const again = await hearth(['results', 'export', '--log', there]);
  t.equal(again.stdout, stdout);
});

t.test(
  'real and simulated rows of a class are never mixed, and factors are of predictions',
  async (t) => {
    const log = await logOf('classes.db', [
      measurementRow({ median_ts: 50 }),
      measurementRow({ median_ts: 60 }),
      measurementRow({ median_ts: 10, budget_bytes: 8 * 2 ** 30, budget_by: 'ballast' }),
    ]);
    const { stdout } = await hearth(['results', 'table', '--json', '--log', log]);
    t.match(JSON.parse(stdout), {
      points: [
        { device: 'rtx-3060-8gb', simulated: false, rows: 2, median_ts: 55, predicted_ts: 40 },
        { device: 'rtx-3060-8gb, held to 8.00 GiB', simulated: true, rows: 1, median_ts: 10 },
      ],
      errors: [
        { device: 'rtx-3060-8gb', kind: 'tg', rows: 2, factor: 1.375 },
        { simulated: true, rows: 1, factor: 0.25, error_percent: 75 },
      ],
    });
    const table = await hearth(['results', 'table', '--log', log]);
    t.match(table.stdout, /^Measured\n[\s\S]*\nSimulated: held to a budget[\s\S]*10\.00/);
  },
);

t.test('a file that is wrong is refused whole, by line', { skip }, async (t) => {
  const good = { hearth_results: 1, ...measurementRow() };
  const { uid: _, ...withoutUid } = good;
  const mistakes: [line: unknown, message: RegExp][] = [
    [{ ...good, hearth_results: 2 }, /bad\.jsonl:2 is of version 2, .*newer hearth.*update/],
    [{ ...good, hearth_results: undefined }, /bad\.jsonl:2 has no "hearth_results"/],
    [{ ...good, median_ts: 'fast' }, /:2: "median_ts" is "fast", expected a number/],
    [{ ...good, n_gen: 1.5 }, /:2: "n_gen" is 1.5, expected a whole number/],
    [{ ...good, samples_ns: [] }, /:2: "samples_ns" is \[\], expected a list/],
    [{ ...good, host: 'x' }, /:2 has the column "host"/],
    [withoutUid, /:2: "uid" is nothing/],
    [[1], /:2 is not a JSON object/],
  ];
  const log = await logOf('bad.db', []);
  const file = path.join(folder, 'bad.jsonl');
  for (const [line, message] of mistakes) {
    writeFileSync(file, `${JSON.stringify(good)}\n${JSON.stringify(line)}\n`);
    t.match(await hearth(['results', 'import', file, '--log', log]), {
      status: 1,
      stderr: message,
    });
  }
  t.same(sqlite3(log, 'SELECT count(*) AS n FROM measurement'), [{ n: 0 }]);
});
