// What the rows of bench/results/ come to, one line a model: memory and speed on the CPU, memory on
// software Vulkan. For the table in docs/measure-and-compare.md.
// Chooses among rows; computes nothing from them.
import type { MeasurementRow } from '../../../runtime/log/measurement-fields.js';

export type ModelSummary = {
  name: string;
  nParams: number;
  fileBytes: number;
  nCtx: number;
  kvBytes: number;
  peakRssBytes: number;
  predictedRssBytes: number;
  /** In use on software Vulkan's GPU at most; null where it was not measured. */
  vulkanBytes: number | null;
  /** Layers on that GPU, the output's included. */
  vulkanLayers: number | null;
  /** Tokens a second; null where only memory was measured. */
  ppTs: number | null;
  tgTs: number | null;
};

/** In the order of the rows, of models that were measured on the CPU. */
export function summarise(rows: readonly MeasurementRow[]): ModelSummary[] {
  const names = [...new Set(rows.map(({ model_name }) => model_name))];
  return names.flatMap((name) => {
    const ofModel = rows.filter(({ model_name }) => model_name === name);
    const summary = summariseModel(name, ofModel);
    return summary === null ? [] : [summary];
  });
}

function summariseModel(name: string, rows: readonly MeasurementRow[]): ModelSummary | null {
  const real = rows.filter(({ budget_bytes }) => budget_bytes === null);
  const onCpu = real.filter(({ backends }) => backends === 'CPU');
  const answer = onCpu.find(({ ttft_ms }) => ttft_ms !== null);
  if (answer === undefined) return null;
  const vulkan = real.find(({ backends, ttft_ms }) => backends === 'Vulkan' && ttft_ms !== null);
  // Of a short answer alone, much of the compute buffer would never have been touched.
  const sameContext = onCpu.filter(({ n_ctx }) => n_ctx === answer.n_ctx);
  const speed = (test: string) => onCpu.find((row) => row.test === test)?.median_ts ?? null;
  return {
    name,
    nParams: answer.model_n_params,
    fileBytes: answer.model_size,
    nCtx: answer.n_ctx,
    kvBytes: answer.kv_bytes ?? 0,
    peakRssBytes: Math.max(...sameContext.map(({ peak_rss_bytes }) => peak_rss_bytes ?? 0)),
    predictedRssBytes: answer.predicted_host_bytes ?? 0,
    vulkanBytes: vulkan?.device_peak_bytes ?? null,
    vulkanLayers: vulkan?.n_gpu_layers ?? null,
    ppTs: speed('pp512'),
    tgTs: speed('tg128'),
  };
}
