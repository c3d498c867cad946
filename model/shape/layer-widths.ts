// The widths of a model, layer by layer, for people and for programs.
// Pruned models differ from layer to layer, so neighbours that are alike stand together.
import type { LayerWidths } from './llama-model.js';

/** `6 layers: heads 8 ×1, 6 ×5; KV heads ...; n_ff 768 ×1, 545 ×5`, equal neighbours together. */
export function describeLayers(layers: readonly LayerWidths[]): string {
  const widths = (pick: (layer: LayerWidths) => number) => runs(layers.map(pick));
  const grouped = layers.some(({ nHead, nHeadKv }) => nHead !== nHeadKv);
  return [
    `${layers.length} layers: heads ${widths(({ nHead }) => nHead)}`,
    ...(grouped ? [`KV heads ${widths(({ nHeadKv }) => nHeadKv)}`] : []),
    `n_ff ${widths(({ nFf }) => nFf)}`,
  ].join('; ');
}

/** One array a width, as GGUF's keys name them. */
export function layersJson(layers: readonly LayerWidths[]) {
  return {
    head_count: layers.map(({ nHead }) => nHead),
    head_count_kv: layers.map(({ nHeadKv }) => nHeadKv),
    feed_forward_length: layers.map(({ nFf }) => nFf),
  };
}

function runs(values: readonly number[]): string {
  const groups: { value: number; count: number }[] = [];
  for (const value of values) {
    const last = groups.at(-1);
    if (last?.value === value) last.count++;
    else groups.push({ value, count: 1 });
  }
  const [only, ...more] = groups;
  if (only && more.length === 0) return String(only.value);
  return groups.map(({ value, count }) => (count === 1 ? value : `${value} ×${count}`)).join(', ');
}
