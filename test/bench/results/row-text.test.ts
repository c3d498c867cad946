import { execFileSync } from 'node:child_process';
import t from 'tap';
import { rowsText } from '../../../bench/results/row-text.js';
import { needs } from '../../support/needs.js';
import { measurementRow } from '../measurement-rows.js';

const rows = [
  measurementRow({ test: 'answer128', ttft_ms: 4.2, weights_bytes: 5 * 2 ** 20 }),
  measurementRow({ test: 'tg128', model_name: "it's | new\u001b[2J", driver: null }),
];

t.test('CSV has a header and llama-bench’s columns', (t) => {
  const csv = rowsText(rows, 'csv');
  t.match(csv, /^uid,.*,n_prompt,n_gen,n_depth,.*,avg_ns,stddev_ns,avg_ts,stddev_ts,/);
  t.equal(csv.trim().split('\n').length, 3);
  t.end();
});

t.test(
  'SQL is read by the sqlite3 shell, quotes and nulls included',
  { skip: needs('sqlite3') },
  (t) => {
    const select = 'SELECT test, model_name, driver, typeof(avg_ts) AS type FROM llama_bench';
    const answer = execFileSync('sqlite3', ['-json', ':memory:'], {
      input: `${rowsText(rows, 'sql')}\n${select};`,
      encoding: 'utf8',
    });
    t.match(JSON.parse(answer), [
      { test: 'answer128', type: 'real' },
      { test: 'tg128', model_name: "it's | new\u001b[2J", driver: null, type: 'real' },
    ]);
    t.end();
  },
);

t.test('Markdown is one table, whose cells break neither it nor the terminal', (t) => {
  const [head, rule, ...lines] = rowsText(rows, 'md').trim().split('\n');
  t.match(head, /^\| model \| .* \| t\/s \| ± \| predicted \| TTFT \| weights \|/);
  t.match(rule, /^\| --- \|.*--: \|/);
  t.match(lines[1], "it's \\| new [2J");
  t.end();
});

t.test('the table for people has speed above and memory below, each beside its prediction', (t) => {
  const [speed = '', memory = ''] = rowsText(rows, 'table').split('\n\n');
  t.match(speed, /^model .* t\/s +± +predicted +TTFT\n/);
  t.match(memory, /^test +weights +.*peak RSS/);
  t.match(memory, /^answer128 +5 MiB/m);
  t.notMatch(speed, '\u001b');
  t.end();
});

t.test('no rows are an empty list in JSON and nothing elsewhere', (t) => {
  t.equal(rowsText([], 'json'), '[]\n');
  t.equal(rowsText([], 'table'), '');
  t.equal(rowsText([], 'md'), '');
  t.end();
});
