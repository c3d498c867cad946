// When drafting is kept and when it is not, by figures that a machine might measure.
import t from 'tap';
import { DraftPace, type DraftVerdict } from '../../../../runtime/engine/child/draft-pace.js';

/** Lets answers of so many tokens go by; a step with drafts gives 3 tokens, one without gives 1. */
function run(pace: DraftPace, tokens: number, costMs: { drafting: number; plain: number }) {
  const seen = { drafted: 0, plain: 0, verdicts: [] as DraftVerdict[] };
  for (let left = tokens; left > 0; ) {
    const isDraft = pace.isDrafting;
    const taken = isDraft ? 3 : 1;
    const durationMs = taken * (isDraft ? costMs.drafting : costMs.plain);
    const verdict = pace.record({ isDraft, tokens: taken, durationMs });
    if (verdict) seen.verdicts.push(verdict);
    seen[isDraft ? 'drafted' : 'plain'] += taken;
    left -= taken;
  }
  return seen;
}

t.test('drafts that pay are kept, and measured again', (t) => {
  const pace = new DraftPace();
  t.equal(pace.gain, null);
  const { verdicts, drafted, plain } = run(pace, 5_000, { drafting: 20, plain: 30 });
  t.ok(verdicts.length >= 4);
  for (const verdict of verdicts) t.match(verdict, { pays: true, gain: 1.5, plain: 1000 / 30 });
  t.ok(plain < 0.1 * drafted, `${plain} tokens without drafts, ${drafted} with them`);
  t.end();
});

t.test('drafts that do not pay are switched off, for longer each time', (t) => {
  const pace = new DraftPace();
  const { verdicts, drafted } = run(pace, 20_000, { drafting: 40, plain: 30 });
  t.same(
    verdicts.map(({ termTokens }) => termTokens),
    [1024, 2048, 4096, 8192, 16384],
  );
  t.notOk(pace.isDrafting);
  t.ok(drafted < 400, `${drafted} of 20,000 tokens were drafted`);
  t.equal(pace.gain, 0.75);
  t.end();
});

t.test('what changes on the machine changes the verdict, as quick is not quick enough', (t) => {
  const pace = new DraftPace();
  t.match(run(pace, 200, { drafting: 30, plain: 30 }).verdicts, [{ pays: false, gain: 1 }]);
  t.match(run(pace, 1_300, { drafting: 20, plain: 30 }).verdicts, [{ pays: true }]);
  t.ok(pace.isDrafting);
  t.end();
});
