// What a model is calibrated as within a budget: its weights, and what the calibration itself says it needs beside.
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { describeLlama, type LlamaModel } from '../../model/shape/llama-model.js';
import { listParts } from '../../pruner/dense-model.js';
import { denseTypeWithin } from '../../pruner/dense-type.js';

const small = describeLlama(await openCheckpoint(samplePath('appliance/dense')));
const llama2: LlamaModel = {
  ...{ ...small, nEmbd: 4096, nVocab: 32000, headSize: 128, tiedEmbeddings: false },
  layers: Array.from({ length: 32 }, () => ({ nHead: 32, nHeadKv: 32, nFf: 11008 })),
  nParams: 6_738_415_616,
};
const parts = listParts(llama2, { first: 4, last: 29 });
const within = (gib: number, repair: 'bias' | 'least-squares', outputType?: 'BF16' | 'Q4_K_M') =>
  denseTypeWithin(llama2, {
    ...{ budgetBytes: gib * 2 ** 30, parts, repair, outputType, path: 'llama' },
  });

t.test('the best type that fits, with Gram matrices where they are wanted', (t) => {
  t.equal(within(16, 'bias'), 'F16');
  t.equal(within(8, 'bias'), 'Q8_0', '6.67 GiB, and 0.75 beside');
  t.equal(within(7, 'bias'), 'Q6_K');
  t.equal(within(8, 'least-squares'), 'Q6_K', 'Q8_0 would leave room for one layer at a time');
  t.equal(within(6, 'least-squares'), 'Q5_K_M', 'Q4_K_M would need more than eight passes, too');
  t.throws(() => within(4, 'least-squares'), {
    message: /llama: does not fit 4\.00 GiB .* as Q4_K_M it takes .* or take --repair bias/,
  });
  t.end();
});

t.test('who wants BF16 has numbers that half precision does not hold', (t) => {
  t.equal(within(16, 'bias', 'BF16'), 'BF16');
  t.equal(within(16, 'bias', 'Q4_K_M'), 'F16');
  t.equal(within(8, 'bias', 'BF16'), 'Q8_0');
  t.end();
});
