import t from 'tap';
import {
  checkedRelease,
  compareReleases,
  releaseOfDay,
} from '../../../appliance/update/release.js';

t.test('releases are compared number by number', (t) => {
  const rising = ['0.9', '1', '1.0.1', '1.2', '1.10', '2026.1.31', '2026.11.2', '2026.11.29.1'];
  for (const [i, release] of rising.entries())
    for (const [j, other] of rising.entries())
      t.equal(Math.sign(compareReleases(release, other)), Math.sign(i - j), `${release} ${other}`);
  t.equal(compareReleases('1.0', '1'), 0);
  t.end();
});

t.test('a release is up to four numbers, or the day', (t) => {
  t.equal(checkedRelease('2026.11.29.3'), '2026.11.29.3');
  for (const wrong of ['', 'v1', '1.2-rc1', '1.2.3.4.5', '1..2', '-1', '1\n', '9999999999'])
    t.throws(() => checkedRelease(wrong), /--release .* is not a version/, wrong);
  t.equal(releaseOfDay(Date.UTC(2026, 10, 29, 23) / 1000), '2026.11.29');
  t.end();
});
