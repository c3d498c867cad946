import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { runChat } from './hearth-chat.js';

const folder = t.testdir({
  'schema.json': '{"type": "object"}',
  'broken.gbnf': 'root ::= (',
  'broken.json': '{"type": ',
});
const modelPath = await applianceGguf(folder);
const setup = { modelPath, stateFolder: path.join(folder, 'state') };
const file = (name: string): string => path.join(folder, name);

t.test('errors are one clear line, and the status says whose', async (t) => {
  writeFileSync(file('not-a-model.gguf'), 'GGUX');
  writeFileSync(
    file('not-a-log.db'),
    'no database at all, but longer than a header of one\n'.repeat(9),
  );
  const table: [status: number, message: RegExp, ...options: string[]][] = [
    [2, /--ctx takes a whole number from 1 to 16777216, not "abc"/, '--ctx', 'abc'],
    [2, /--temperature takes a number from 0 to 100, not "hot"/, '--temperature', 'hot'],
    [2, /--temperature takes a number from 0 to 100, not "NaN"/, '--temperature', 'NaN'],
    [2, /--top-p takes a number from 0 to 1, not "1.5"/, '--top-p', '1.5'],
    [2, /--top-k takes a whole number/, '--top-k', '-1'],
    [2, /--min-p takes a number from 0 to 1/, '--min-p', '1e-3'],
    [2, /--repeat-penalty takes a number from 0.01 to 100/, '--repeat-penalty', '0'],
    [2, /--seed takes a whole number from 0 to 4294967294/, '--seed', '4294967295'],
    [2, /--max-tokens takes a whole number from 1/, '--max-tokens', '0'],
    [2, /--stop is empty/, '--stop', ''],
    [2, /--overflow takes one of error, drop-oldest/, '--overflow', 'ignore'],
    [2, /mutually exclusive/, '--grammar', 'a', '--json-schema', 'b'],
    [2, /given twice: 1 and 2/, '--seed', '1', '--seed', '2'],
    [2, /Unknown argument: typo/, '--typo'],
    [1, /the grammar .*none.gbnf cannot be read: ENOENT/, '--grammar', file('none.gbnf')],
    [1, /the grammar cannot be used/, '--grammar', file('broken.gbnf')],
    [1, /the JSON schema .*broken.json is not JSON/, '--json-schema', file('broken.json')],
    [1, /is not an SQLite database; move it aside/, '--log', file('not-a-log.db')],
    [1, /is not a conversation/, '--session', file('broken.json')],
    [1, /is not a conversation/, '--session', file('schema.json')],
    [1, /cannot be written: ENOENT|cannot be read: ENOENT/, '--session', file('none/session.json')],
  ];
  for (const [status, message, ...options] of table) {
    const told = await runChat(setup, ['--once', 'Hi', ...options]);
    t.match(told, { status, stdout: '', stderr: message }, options.join(' '));
    t.match(told.stderr, /^hearth: |\nhearth: /);
    t.notMatch(told.stderr, /^ {4}at /m, 'no stack');
  }
  const noModel = await runChat({ ...setup, modelPath: file('none.gguf') }, ['--once', 'Hi']);
  t.match(noModel, { status: 1, stdout: '', stderr: /none.gguf cannot be read: ENOENT/ });
  const badModel = await runChat({ ...setup, modelPath: file('not-a-model.gguf') }, [
    '--once',
    'Hi',
  ]);
  t.match(badModel, { status: 1, stdout: '', stderr: /not-a-model.gguf/ });
  const nothing = await runChat(setup, [], '\n');
  t.match(nothing, { status: 1, stdout: '', stderr: /stdin is empty; pipe a question in/ });
});
