// The process that has llama.cpp allocate: loads a model, makes each context, tells what was allocated.
// In a process of its own, as llama.cpp ends it where a device cannot hold a buffer.
// Evaluates nothing.
import { openModel } from '../../../llama/libllama.js';
import { takeTask } from '../../../llama/measuring-child.js';
import type { AllocationEvent, AllocationTask } from './allocation-protocol.js';

const F16 = 1;

takeTask<AllocationTask, AllocationEvent>(async ({ settings, contexts }, { send, onLog }) => {
  const model = await openModel({ ...settings, kvTypeId: F16 }, onLog);
  for (const { nCtx, kvTypeId } of contexts) {
    const context = model.openContext(nCtx, { kvTypeId });
    const breakdown = context.memory();
    context.close();
    if (breakdown === null) throw new Error('llama.cpp tells what it allocates on Linux alone');
    await send({ kind: 'allocated', breakdown });
  }
});
