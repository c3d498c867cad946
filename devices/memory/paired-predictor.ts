// The memory of a model with a smaller one that drafts for it: two sets of weights, a context of the same
// length for one sequence more, and one process. It predicts like any other, so that what looks for a
// setting that fits counts both.
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { MemoryParts, MemoryPrediction, MemoryPredictor } from './memory-prediction.js';

/** `close` is left to the predictor's owner. */
export function pairedPredictor(predictor: MemoryPredictor, draft: SizedModel): MemoryPredictor {
  return {
    predict: async (model, settings) => {
      const { gpuLayers: _, ...ofDraft } = { ...settings, parallel: 1 };
      const [own, more] = await Promise.all([
        predictor.predict(model, settings),
        predictor.predict(draft, ofDraft),
      ]);
      return withDraft(own, more);
    },
    localGpu: () => predictor.localGpu(),
    close: async () => {},
  };
}

function withDraft(own: MemoryPrediction, draft: MemoryPrediction): MemoryPrediction {
  return {
    ...own,
    device: own.device && draft.device && sum(own.device, draft.device),
    host: sum(own.host, draft.host),
  };
}

/** The process and the GPU's context are there once. */
function sum(own: MemoryParts, draft: MemoryParts): MemoryParts {
  return {
    weightsBytes: own.weightsBytes + draft.weightsBytes,
    kvBytes: own.kvBytes + draft.kvBytes,
    computeBytes: own.computeBytes + draft.computeBytes,
    overheadBytes: own.overheadBytes,
    totalBytes: own.totalBytes + draft.totalBytes - draft.overheadBytes,
  };
}
