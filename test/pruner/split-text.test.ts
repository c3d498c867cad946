import t from 'tap';
import { splitText } from '../../pruner/split-text.js';

t.test('nothing of the text is lost or used twice, and it is cut between lines', (t) => {
  const text = Array.from({ length: 3000 }, (_, i) => `line ${i} of the text`).join('\n');
  const { calibration, choosing, judging } = splitText(text, { choosing: 500, judging: 1000 });
  t.equal(calibration + choosing + judging, text);
  t.ok(calibration.endsWith('\n') && choosing.endsWith('\n'));
  t.ok(Math.abs(judging.length - 6000) < 50 && Math.abs(choosing.length - 3000) < 50);
  t.end();
});

t.test('lines as long as chapters do not change how much is held out', (t) => {
  const text = `${'word '.repeat(6000)}\n`.repeat(5);
  for (const choosing of [0, 500]) {
    const split = splitText(text, { choosing, judging: 1000 });
    t.equal(split.calibration + split.choosing + split.judging, text);
    t.equal(split.judging.length, 6000);
    t.equal(split.choosing.length, 6 * choosing);
  }
  t.end();
});

t.test('of a short text, at most a third is held out', (t) => {
  const text = 'word '.repeat(200);
  const { calibration, judging } = splitText(text, { choosing: 0, judging: 4096 });
  t.equal(calibration + judging, text);
  t.ok(calibration.length >= 0.69 * text.length);
  t.end();
});
