// What long work tells elsewhere than on a terminal: its latest line every few seconds, and no more once it is over.
import t from 'tap';
import { clearProgressLine, showProgressLine } from '../../terminal/print.js';

const skip = process.stderr.isTTY && 'stderr is a terminal';

t.test('a log has the latest line of long work every five seconds', { skip }, (t) => {
  const timers: { tell: () => void; everyMs: number | undefined }[] = [];
  const timer = setInterval(() => {}, 60_000);
  t.intercept(globalThis, 'setInterval', {
    value: (tell: () => void, everyMs?: number) => {
      timers.push({ tell, everyMs });
      return timer;
    },
  });
  const ended = t.capture(globalThis, 'clearInterval', clearInterval);
  const written = t.capture(process.stderr, 'write', () => true);
  const said: unknown[] = [];
  const told = () => {
    timers[0]?.tell();
    said.push(...written().map(({ args: [text] }) => text));
    return said;
  };
  showProgressLine('dense: loading');
  showProgressLine('dense: question 1');
  t.equal(timers.length, 1);
  t.equal(timers[0]?.everyMs, 5000);
  t.same(told(), ['dense: question 1\n'], 'the latest, and nothing of work that is quicker');
  showProgressLine('dense: question 2');
  t.same(told(), ['dense: question 1\n', 'dense: question 2\n']);
  clearProgressLine();
  t.equal(told().length, 2, 'nothing once it is over');
  t.equal(ended()[0]?.args[0], timer, 'and nothing is left that would tell it');
  t.end();
});
