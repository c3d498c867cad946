// What a head or a channel is worth, and what takes over once it is gone, against PyTorch in double precision on the
// same statistics: fixtures/pruned/make.py solved for the inputs themselves, without their covariance.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openCompute } from '../../../llama/ggml-compute.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { productOf } from '../../../pruner/calibrated-model.js';
import { RemainingColumns } from '../../../pruner/choose/remaining-columns.js';
import { listParts, openDenseModel, type Part } from '../../../pruner/dense-model.js';
import {
  invertWithRidge,
  type Multiply,
  momentsOf,
  scaleColumns,
} from '../../../pruner/linear/least-squares.js';
import { type Matrix, transpose } from '../../../pruner/linear/matrix.js';
import { type LinearInput, repairLinear } from '../../../pruner/repair/repair-linear.js';
import { columnsOf } from '../../../pruner/repair/repair-parts.js';
import { relativeDifference } from '../../support/logit-distance.js';
import { readPytorchTensors } from '../../support/pytorch-tensors.js';
import { fixtures, readReference } from '../../support/samples.js';

/** As make.py sums them: seven chunks of 32 tokens, and one held out. */
const N_TOKENS = 224;
const N_HELD_OUT = 32;
const COST_RIDGE = 1e-2;
const RIDGES = [1e-4, 1e-3, 1e-2, 1e-1];

const compute = openCompute({ threads: 1 });
t.teardown(() => compute.close());
const multiply: Multiply = productOf(compute, new AbortController().signal);

for (const name of ['gqa', 'mha']) {
  const dense = openDenseModel(await openCheckpoint(path.join(fixtures, 'pruned', name)), null);
  t.teardown(() => dense.close());
  const expected = readPytorchTensors(name, 'repairs');
  const ridges = JSON.parse(
    readFileSync(path.join(fixtures, 'pruned', name, 'reference/ridges.json'), 'utf8'),
  ) as Record<string, number | null>;
  const { kept } = readReference(`pruned/${name}`) as unknown as { kept: Record<string, number[]> };

  for (const part of listParts(dense.model, { first: 0, last: 1 })) {
    const of = (what: string) => expected.get(`${part.ggufName}.${what}`) as Float32Array;
    const weight = dense.readWeight(`${part.module}.weight`);
    const columns = columnsOf(kept[part.ggufName] ?? [], part.groupSize);

    t.test(`${name}, ${part.ggufName}: every group costs what PyTorch says`, async (t) => {
      const costs = await costsOf(part, weight, inputOf(name, part, of('held_out')));
      t.ok(relativeDifference(costs, of('costs')) < 1e-4);
    });

    t.test(`${name}, ${part.ggufName}: the best repair is PyTorch's`, async (t) => {
      const input = inputOf(name, part, of('held_out'));
      const how = { kept: columns, mode: 'least-squares', multiply } as const;
      const best = await repairLinear(weight, input, how);
      t.equal(best.ridge, ridges[part.ggufName]);
      t.ok(relativeDifference(best.columns.data, of('columns')) < 1e-3);
      t.ok(relativeDifference(best.bias as Float32Array, of('bias')) < 1e-3);
    });

    t.test(`${name}, ${part.ggufName}: and loses as much on inputs held out`, async (t) => {
      const input = inputOf(name, part, of('held_out'));
      const [ofBias = 0, ...ofRidges] = of('errors');
      const bias = await repairLinear(weight, input, { kept: columns, mode: 'bias', multiply });
      t.ok(Math.abs((bias.heldOutError as number) - ofBias) < 1e-3 * ofBias);
      for (const [i, ridge] of RIDGES.entries()) {
        const how = { kept: columns, mode: 'least-squares', multiply, ridges: [ridge] } as const;
        const { heldOutError } = await repairLinear(weight, input, how);
        const least = Math.min(ofBias, ofRidges[i] as number);
        t.ok(Math.abs((heldOutError as number) - least) < 1e-3 * least, `ridge ${ridge}`);
      }
    });
  }
}

/** New at every call, as what it returns is overwritten. */
function inputOf(
  name: string,
  { ggufName, nGroups, groupSize }: Part,
  heldOut: Float32Array,
): LinearInput {
  const statistics = readPytorchTensors(name, 'statistics');
  const of = (what: string) => statistics.get(`${ggufName}.weight.${what}`) as Float32Array;
  const sum = of('mean').map((mean) => mean * N_TOKENS);
  const moments = momentsOf(sum, of('gram').slice(), N_TOKENS);
  const nCols = nGroups * groupSize;
  return { moments, mean: of('mean'), heldOut: { nRows: N_HELD_OUT, nCols, data: heldOut } };
}

async function costsOf({ groupSize }: Part, weight: Matrix, { moments }: LinearInput) {
  if (!moments) throw new Error('an input of which only means are known');
  const remaining = await RemainingColumns.open({
    turned: transpose(scaleColumns(weight, moments.scale)),
    inverse: await invertWithRidge(moments, null, COST_RIDGE, multiply),
    ...{ groupSize, multiply },
  });
  const rated = await remaining.rate();
  return Float32Array.from(rated.sort((a, b) => a.group - b.group).map(({ cost }) => cost));
}
