import t from 'tap';
import { parseSince } from '../../../runtime/log/since.js';

const NOW_MS = Date.UTC(2026, 10, 24, 12);

t.test('an age counts back from now', (t) => {
  t.equal(parseSince('7d', NOW_MS), '2026-11-17T12:00:00.000Z');
  t.equal(parseSince('12h', NOW_MS), '2026-11-24T00:00:00.000Z');
  t.equal(parseSince('1.5h', NOW_MS), '2026-11-24T10:30:00.000Z');
  t.equal(parseSince('30s', NOW_MS), '2026-11-24T11:59:30.000Z');
  t.end();
});

t.test('a date is midnight here; a time zone may be given', (t) => {
  t.equal(parseSince('2026-01-31'), new Date(2026, 0, 31).toISOString());
  t.equal(parseSince('2026-01-31 09:30'), new Date(2026, 0, 31, 9, 30).toISOString());
  t.equal(parseSince('2026-01-31T09:30Z'), '2026-01-31T09:30:00.000Z');
  t.end();
});

t.test('what is no time is refused', (t) => {
  for (const text of ['', 'yesterday', '7', '7x', '-7d', '2026-13-01', '2026', '9999999999999w'])
    t.throws(() => parseSince(text, NOW_MS), { code: 'HEARTH_LOG_QUERY' }, text);
  t.end();
});
