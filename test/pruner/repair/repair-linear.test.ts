import t from 'tap';
import { momentsOf } from '../../../pruner/linear/least-squares.js';
import { type Matrix, transpose, zeros } from '../../../pruner/linear/matrix.js';
import { repairLinear } from '../../../pruner/repair/repair-linear.js';
import { plainMultiply, randomMatrix } from '../linear/plain-multiply.js';

const KEPT = Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

t.test('columns that follow from the kept ones are made up for exactly', async (t) => {
  const { weight, input } = await layer(400);
  const repaired = await repairLinear(weight, input, options('least-squares'));
  t.equal(repaired.mode, 'least-squares');
  t.ok((repaired.heldOutError as number) < 1e-3, `${repaired.heldOutError}`);
});

t.test('a bias makes up for the means, no more', async (t) => {
  const { weight, input } = await layer(400);
  const none = await repairLinear(weight, input, options('none'));
  const bias = await repairLinear(weight, input, options('bias'));
  t.equal(none.bias, null);
  t.same(bias.columns, none.columns);
  t.ok((bias.heldOutError as number) < (none.heldOutError as number));
});

t.test('a repair from too few inputs to tell is not taken', async (t) => {
  const { weight, input } = await layer(3, { isRandom: true });
  const repaired = await repairLinear(weight, input, options('least-squares'));
  const bias = await repairLinear(weight, input, options('bias'));
  t.ok((repaired.heldOutError as number) <= (bias.heldOutError as number));
});

function options(mode: 'none' | 'bias' | 'least-squares') {
  return { kept: KEPT, mode, multiply: plainMultiply };
}

/** 16 inputs, of which the last 6 follow from the first 10 unless they are random. */
async function layer(tokens: number, { isRandom = false } = {}) {
  const weight = randomMatrix(5, 16, 3);
  const inputs = makeInputs(tokens, isRandom, 5);
  const columns = transpose(inputs);
  const gram = await plainMultiply(columns, columns);
  const sum = Float32Array.from({ length: 16 }, (_, j) =>
    columns.data.subarray(j * tokens, (j + 1) * tokens).reduce((a, b) => a + b, 0),
  );
  const moments = momentsOf(sum, gram.data, tokens);
  return { weight, input: { moments, mean: moments.mean, heldOut: makeInputs(50, isRandom, 9) } };
}

function makeInputs(tokens: number, isRandom: boolean, seed: number): Matrix {
  const random = randomMatrix(tokens, 16, seed);
  if (isRandom) return random;
  const inputs = zeros(tokens, 16);
  for (let token = 0; token < tokens; token++)
    for (let j = 0; j < 16; j++) {
      const at = (column: number) => random.data[token * 16 + column] as number;
      inputs.data[token * 16 + j] = j < 10 ? at(j) + 0.5 : at(j - 10) - 2 * at(j - 9) + 1;
    }
  return inputs;
}
