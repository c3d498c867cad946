import t from 'tap';
import { gramBytes } from '../../../llama/gram-matrix.js';
import type { CutTask } from '../../../pruner/calibrate/calibrate-protocol.js';
import { planPasses } from '../../../pruner/calibrate/passes.js';

function cut(name: string, nCols: number, hasGram = true): CutTask {
  return { name, nCols, hasGram, hasRows: hasGram };
}

const cuts = [cut('a', 64), cut('b', 256), cut('c', 64, false), cut('d', 64), cut('e', 256)];
const names = (memoryBytes: number) =>
  planPasses(cuts, memoryBytes).map((pass) => pass.map(({ name }) => name));

t.test('one pass where all matrices fit, none of them twice and in their order', (t) => {
  const all = 2 * gramBytes(64) + 2 * gramBytes(256);
  t.same(names(all), [['a', 'b', 'd', 'e']]);
  t.same(names(all - 1), [['a', 'b', 'd'], ['e']]);
  t.same(names(gramBytes(256)), [['a'], ['b'], ['d'], ['e']]);
  t.end();
});

t.test('without Gram matrices there is one pass, whatever the memory', (t) => {
  t.same(planPasses([cut('c', 64, false)], -1), [[]]);
  t.same(planPasses([], 0), [[]]);
  t.end();
});

t.test('a matrix that does not fit alone is told by its name, with what is missing', (t) => {
  t.throws(() => planPasses(cuts, gramBytes(64)), {
    message: /the Gram matrix of b takes .* are left beside the model; allow .* more, or do with/,
  });
  t.throws(() => planPasses(cuts, -5), { message: /of a takes .*, and 0 B are left/ });
  t.end();
});
