import { readFileSync } from 'node:fs';
import t from 'tap';
import type { EngineOptions } from '../../../runtime/engine/engine.js';
import { flashAttentionOnCpu } from '../../../runtime/engine/narrow-heads.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';

const AVX512 = 64;
const AVX2 = 32;

function chosen(step: number, headSize: number, options: Partial<EngineOptions> = {}) {
  return flashAttentionOnCpu(options, { headSize, nHead: [8, 4], nCtxTrain: 512 }, step);
}

t.test('flash attention is left out where heads are no multiple of the vectors', async (t) => {
  t.equal(chosen(AVX512, 32), false);
  t.equal(chosen(AVX512, 64), 'auto');
  t.equal(chosen(AVX512, 80), false);
  t.equal(chosen(AVX2, 32), 'auto');
  t.equal(chosen(AVX2, 16), false);
});

t.test('and nowhere else', async (t) => {
  t.equal(chosen(AVX512, 32, { flashAttention: true }), true, 'where the user wants it');
  t.equal(chosen(AVX512, 32, { kvType: 'Q8_0' }), 'auto', 'a quantised cache needs it');
  t.equal(chosen(AVX512, 32, { nCtx: 4096 }), false, 'where the scores take 64 MiB');
  t.equal(chosen(AVX512, 32, { nCtx: 8192 }), 'auto', 'where they would take 128 MiB');
});

t.test('an engine tells what it chose for this machine, and answers the same', async (t) => {
  // Its heads have 32 numbers.
  const modelPath = await applianceGguf(t.testdir());
  const isNarrow = /\bavx512f\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  const answers: string[] = [];
  for (const [flashAttention, expected] of [
    ['auto', !isNarrow],
    [true, true],
  ] as const) {
    const engine = startEngine({ modelPath, gpu: 'off', threads: 1, flashAttention });
    t.teardown(() => engine.close());
    t.equal((await engine.ready()).flashAttention, expected);
    let text = '';
    const input = { kind: 'text', text: 'The Yuki C119 coffee maker' } as const;
    for await (const event of engine.generate({
      input,
      maxTokens: 16,
      sampling: { temperature: 0 },
    }))
      if (event.kind === 'token') text += event.text;
    answers.push(text);
  }
  t.ok(answers[0]);
  t.equal(answers[0], answers[1]);
});
