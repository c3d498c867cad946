import t from 'tap';
import {
  type Knobs,
  leastDrift,
  STARTS,
  type Tried,
  turnKnobs,
} from '../../../pruner/choose/knobs.js';

const start: Tried<Knobs> = tried(STARTS[0] as Knobs);

t.test('knobs turn as long as the model drifts less, and nothing is measured twice', async (t) => {
  const measured: string[] = [];
  const best = await turnKnobs(start, async (all) => {
    measured.push(...all.map((knobs) => JSON.stringify(knobs)));
    return all.map(tried);
  });
  t.same(best.made, { sharpness: 0.75, heads: -1, depth: 1.5 });
  t.equal(new Set(measured).size, measured.length);
  t.notOk(measured.includes(JSON.stringify(start.knobs)));
});

t.test('where time runs out, the best so far stays', async (t) => {
  let rounds = 0;
  const best = await turnKnobs(start, async (all) => (rounds++ < 2 ? all.map(tried) : null));
  t.equal(rounds, 3);
  t.ok(best.drift < start.drift);
  t.equal(await turnKnobs(start, async () => null), start);
});

t.test('noise that leads nowhere ends after one try of each knob', async (t) => {
  let rounds = 0;
  const best = await turnKnobs(start, async (all) => {
    rounds++;
    return all.map((knobs) => ({ ...tried(knobs), drift: start.drift + 0.1 }));
  });
  t.equal(best, start);
  t.equal(rounds, 3);
});

t.test('of equal drifts the first is taken', async (t) => {
  const twin = { ...start };
  t.equal(leastDrift([start, twin]), start);
});

/** Least at a sharpness of 0.75, heads at half their price and late layers at 2.8 times theirs. */
function tried(knobs: Knobs): Tried<Knobs> {
  const { sharpness, heads, depth } = knobs;
  const drift = 1 + (sharpness - 0.75) ** 2 + (heads + 1) ** 2 + (depth - 1.5) ** 2;
  return { knobs, made: knobs, drift };
}
