import t from 'tap';
import { equalNotes } from '../../../bench/compare/compare-text.js';
import type { Compared, Comparison, EqualMemory } from '../../../bench/compare/comparison.js';
import { findOpponent, totalBytes } from '../../../bench/compare/equal-memory.js';
import { findingOf } from '../../../bench/compare/findings.js';
import type { MemoryPrediction } from '../../../devices/memory/memory-prediction.js';
import type { SizedModel } from '../../../model/shape/sized-model.js';

/** Predicted as large as the model's name says. */
const types = (sizes: Record<string, number>) =>
  Object.entries(sizes).map(([fileType, size]) => ({
    fileType,
    model: { shape: { name: String(size) } } as SizedModel,
  }));

const parts = (totalBytes: number) => ({ totalBytes }) as MemoryPrediction['host'];

const predict = async ({ shape }: SizedModel) =>
  ({ device: parts(Number(shape.name)), host: parts(5) }) as MemoryPrediction;

t.test(
  'the opponent is the largest type that takes no more, GPU and system together',
  async (t) => {
    const sizes = types({ F16: 130, BF16: 130, Q8_0: 70, Q4_K_M: 41, Q4_0: 38, Q2_K: 25 });
    const find = (memoryBytes: number) => findOpponent(sizes, memoryBytes, predict);
    t.same(await find(46), { type: 'Q4_K_M', denseBytes: 46 }, 'the same bytes are equal');
    t.same(await find(45), { type: 'Q4_0', denseBytes: 43 });
    t.same(await find(1000), { type: 'F16', denseBytes: 135 }, 'the first of equals');
    t.same(await find(29), { type: null, denseBytes: 30 }, 'even the smallest takes more');
  },
);

t.test('a prediction without a GPU is of the system alone', (t) => {
  t.equal(totalBytes({ device: null, host: parts(7) } as MemoryPrediction), 7);
  t.end();
});

t.test('what the table leaves open is told', (t) => {
  const notes = (row: Partial<EqualMemory>) => {
    const pruned = { label: 'p20' } as Compared;
    const given = { pruned, prunedBytes: 2 ** 30, denseBytes: 2 ** 29, dense: null, ...row };
    const comparison = { equalMemory: [given], setting: { nCtx: 512 } } as unknown as Comparison;
    return equalNotes(comparison).slice(1);
  };
  t.match(notes({ type: 'Q4_0' }), [
    /as Q4_0 was not measured: give its GGUF of that type, or --dense-checkpoint/,
  ]);
  t.same(notes({ type: null, denseBytes: 2 ** 31 }), [], 'a finding says it');
  const none = { prunedBytes: 2 ** 30, type: null, denseBytes: 2 ** 31, dense: null };
  t.match(findingOf({ ...none, pruned: { label: 'p20' } as Compared }), [
    /p20 is smaller than the unpruned model can be: its smallest type takes 2\.00 GiB, p20 1\.00 GiB/,
  ]);
  t.same(notes({ type: 'Q4_0', dense: { label: 'dense' } as Compared }), []);
  t.end();
});
