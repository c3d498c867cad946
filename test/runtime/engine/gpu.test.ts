import { getLlamaGpuTypes } from 'node-llama-cpp';
import t from 'tap';
import { gpuNotUsed } from '../../../runtime/engine/engine-flags.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { needsTool } from '../../support/needs.js';
import { ask, chat, prompts, readyEngine } from './ask.js';

// Mesa's software Vulkan counts as a GPU only where it is named.
process.env.GGML_VK_VISIBLE_DEVICES ??= '0';
const hasVulkan = (await getLlamaGpuTypes('supported')).includes('vulkan');
const skip = !hasVulkan && needsTool('Vulkan');
const modelPath = await applianceGguf(t.testdir());
const question = prompts[0]?.question ?? '';

t.test('a GPU answers as the CPU does, and its memory is told', { skip }, async (t) => {
  const engine = await readyEngine(modelPath, { gpu: 'vulkan' });
  t.teardown(() => engine.close());
  const cpu = await readyEngine(modelPath);
  t.teardown(() => cpu.close());
  const { info } = engine;
  t.match(info, { backend: 'vulkan', gpuLayers: 7 });
  t.equal(gpuNotUsed({ modelPath, gpu: 'vulkan' }, await engine.ready()), null);
  t.not(info?.deviceNames.length, 0);
  const { text, end } = await ask(engine, { input: chat(question) });
  t.equal(text, (await ask(cpu, { input: chat(question) })).text);
  const { deviceBeforeBytes, devicePeakBytes, deviceAfterBytes } = end.memory;
  t.ok(Number(deviceAfterBytes) >= (info?.kvBytes ?? Number.NaN));
  t.ok(Number(devicePeakBytes) >= Math.max(Number(deviceBeforeBytes), Number(deviceAfterBytes)));
});

t.test('layers that do not go on the GPU stay on the CPU', { skip }, async (t) => {
  const engine = await readyEngine(modelPath, { gpu: 'vulkan', gpuLayers: 3 });
  t.teardown(() => engine.close());
  t.match(engine.info, { backend: 'vulkan', gpuLayers: 3 });
  const { tokenIds } = await ask(engine, { input: chat(question), maxTokens: 4 });
  t.equal(tokenIds.length, 4);
});

t.test('without such a GPU the CPU answers, from memory of its own', { skip }, async (t) => {
  const named = process.env.GGML_VK_VISIBLE_DEVICES ?? '';
  process.env.GGML_VK_VISIBLE_DEVICES = '';
  t.teardown(() => {
    process.env.GGML_VK_VISIBLE_DEVICES = named;
  });
  const engine = await readyEngine(modelPath, { gpu: 'vulkan', nCtx: 256 });
  t.teardown(() => engine.close());
  t.match(engine.info, { backend: 'cpu', gpuLayers: 0, mmap: false });
  t.match(
    gpuNotUsed({ modelPath, gpu: 'vulkan' }, await engine.ready()),
    /CPU answers: vulkan has no/,
  );
  t.equal(engine.info?.predicted?.weightsBytes, engine.info?.weightsBytes);
});
