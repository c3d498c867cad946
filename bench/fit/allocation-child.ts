// The process that has llama.cpp allocate: loads a model, makes each context, tells what was allocated.
// In a process of its own, as llama.cpp ends it where a device cannot hold a buffer.
// Evaluates nothing.
import { watchParent } from '../../runtime/engine/index.js';
import { openModel } from '../measure/llama.js';
import type { MemoryBreakdown } from '../measure/memory-breakdown.js';
import type { AllocatedContext, AllocationReply, AllocationTask } from './allocation-protocol.js';

watchParent();
process.once('message', (task: AllocationTask) => {
  allocate(task)
    .catch((error: Error): AllocationReply => ({ kind: 'failed', message: error.message }))
    .then((reply) => process.send?.(reply, undefined, undefined, () => process.exit()));
});

async function allocate({ settings, contexts }: AllocationTask): Promise<AllocationReply> {
  const F16 = 1;
  const model = await openModel({ ...settings, kvTypeId: F16 }, () => {});
  const one = ({ nCtx, kvTypeId }: AllocatedContext): MemoryBreakdown => {
    const context = model.openContext(nCtx, { kvTypeId });
    try {
      const breakdown = context.memory();
      if (breakdown === null) throw new Error('llama.cpp tells what it allocates on Linux alone');
      return breakdown;
    } finally {
      context.close();
    }
  };
  return { kind: 'allocated', breakdowns: contexts.map(one) };
}
