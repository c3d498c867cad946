// On a GPU, whole and in part, where there is one that Vulkan can use: software Vulkan is enough.
import t from 'tap';
import { openMemoryPredictor } from '../../../devices/memory/predictor.js';
import { convertSample } from '../../support/converted.js';
import { needsTool } from '../../support/needs.js';
import { compareAllocation, openLlama } from './llama-allocation.js';

// Software Vulkan counts as a GPU only where it is named.
process.env['GGML_VK_VISIBLE_DEVICES'] = '0';
const predictor = openMemoryPredictor();
t.teardown(() => predictor.close());
const opened = await openLlama('vulkan', predictor).catch(() => null);
const hasDevice = opened !== null && (await opened.llama.getVramState()).total > 0;
t.teardown(() => opened?.llama.dispose());

const skip = !hasDevice && needsTool('Vulkan');

t.test('weights, KV cache and buffers are predicted in both pools', { skip }, async (t) => {
  if (opened === null) return;
  const folder = t.testdir();
  for (const name of ['appliance/pruned-20', 'formats/f_tied'])
    for (const gpuLayers of [1, 2, 7])
      await compareAllocation(t, opened, {
        file: await convertSample(folder, name, { type: 'Q4_K_M', force: true }),
        ...{ backend: 'vulkan', mmap: true, gpuLayers, contexts: [512, 2048] },
      });
});
