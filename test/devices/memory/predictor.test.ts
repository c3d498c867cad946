// On the CPU: every sample, six contexts, every type of KV cache, a mapped file, several sequences.
import t from 'tap';
import {
  APPLIANCES as appliance,
  FORMATS as formats,
} from '../../../bench/development/sample-models.js';
import { openMemoryPredictor } from '../../../devices/memory/predictor.js';
import { convertSample } from '../../support/converted.js';
import { compareAllocation, openLlama } from './llama-allocation.js';

const folder = t.testdir();
const predictor = openMemoryPredictor();
const opened = await openLlama(false, predictor);
t.teardown(async () => {
  await predictor.close();
  await opened.llama.dispose();
});
const gguf = async (name: string) =>
  await convertSample(folder, name, { type: 'Q4_K_M', force: true });

t.test('every sample is predicted to the byte', async (t) => {
  for (const name of [...appliance, ...formats])
    await compareAllocation(t, opened, {
      ...{ file: await gguf(name), backend: 'cpu', mmap: false },
    });
});

t.test('so is a mapped file, beside which repacked weights lie', async (t) => {
  const file = await gguf('appliance/pruned-35');
  await compareAllocation(t, opened, { file, backend: 'cpu', mmap: true, contexts: [512] });
});

t.test('and so is every type, though llama.cpp plans them as one', async (t) => {
  for (const type of ['F32', 'Q8_0', 'IQ4_NL', 'Q2_K'] as const) {
    const file = await convertSample(folder, 'appliance/pruned-35', { type, force: true });
    await compareAllocation(t, opened, { file, backend: 'cpu', mmap: false, contexts: [700] });
  }
});

t.test('and so are several sequences', async (t) => {
  const file = await gguf('appliance/pruned-50');
  const three = { parallel: 3, contexts: [300] };
  await compareAllocation(t, opened, { file, backend: 'cpu', mmap: false, ...three });
});
