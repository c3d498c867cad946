// What the log's file is opened with, beyond what the tests of its rows and faults show.
import path from 'node:path';
import t from 'tap';
import { openForReading, openForWriting } from '../../../runtime/log/database.js';

t.test('a log that grows keeps no more than 2 MiB of itself in memory', (t) => {
  const file = path.join(t.testdir(), 'log.db');
  for (const open of [openForWriting, openForReading]) {
    const db = open(file);
    t.equal(db.pragma('cache_size', { simple: true }), -2048);
    db.close();
  }
  t.end();
});
