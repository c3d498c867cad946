// A slice of npm run bench:fit, which has every sample, context and type: predicted weights and KV
// cache are what llama.cpp allocates, to the byte, on the CPU and on software Vulkan.
import path from 'node:path';
import { getLlamaGpuTypes } from 'node-llama-cpp';
import t from 'tap';
import { compareMemory, KV_TYPES } from '../../../../bench/development/fit/exactness.js';
import { convertedSample } from '../../../../bench/development/sample-models.js';
import { openMemoryPredictor } from '../../../../devices/memory/predictor.js';
import { needsTool } from '../../../support/needs.js';

// Software Vulkan counts as a GPU only where it is named.
process.env['GGML_VK_VISIBLE_DEVICES'] ??= '0';
const hasVulkan = (await getLlamaGpuTypes('supported')).includes('vulkan');
const { signal } = new AbortController();
const folder = t.testdir();
const predictor = openMemoryPredictor();
t.teardown(() => predictor.close());

const contexts = [700, 2048].flatMap((nCtx) => KV_TYPES.map((kvType) => ({ nCtx, kvType })));
const models = [
  await convertedSample(folder, 'appliance/pruned-35'),
  await convertedSample(folder, 'formats/f_tied'),
];
const PLACES = [
  { backend: 'cpu', gpuLayers: 0, mmap: false },
  { backend: 'vulkan', gpuLayers: 3, mmap: false },
] as const;

for (const place of PLACES)
  t.test(
    `to the byte on ${place.backend} with ${place.gpuLayers} layers on a GPU`,
    { skip: place.backend === 'vulkan' && !hasVulkan && needsTool('Vulkan') },
    async (t) => {
      for (const modelPath of models) {
        const found = await compareMemory(predictor, { modelPath, ...place }, contexts, signal);
        const name = path.basename(modelPath);
        t.same(found.differences, [], name);
        t.equal(found.compared, contexts.length);
        t.ok(found.computeOffBytes <= 32, `compute buffers of ${name}: ${found.computeOffBytes}`);
      }
    },
  );
