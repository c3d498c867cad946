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

t.test('of a short text, at most a third is held out', (t) => {
  const text = 'word '.repeat(200);
  const { calibration, judging } = splitText(text, { choosing: 0, judging: 4096 });
  t.equal(calibration + judging, text);
  t.ok(calibration.length >= 0.69 * text.length);
  t.end();
});
