// How a plan and a summary look in a terminal, and the plan as JSON.
// Figures only; where a sentence explains one (padding, a larger type) it says what was saved.
import Table from 'cli-table3';
import type { Fit } from '../devices/fit/fit.js';
import { describeLayers, layersJson } from '../model/shape/layer-widths.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import type { PlannedTensor, QuantisePlan } from '../model/types/quantise-plan.js';
import {
  formatCount,
  formatDisk,
  formatMemory,
  formatPercent,
  formatSeconds,
} from '../terminal/units.js';
import type { ConvertSummary } from './convert.js';
import type { Prepared } from './prepare.js';
import { fallbacksText } from './type-value.js';

/** The plan of `--dry-run`: every tensor, what was padded and what that saved. */
export function planText({ plan, model, fileBytes, reason }: Prepared): string {
  const table = new Table({
    head: ['Tensor', 'Shape', 'Type', 'Padding', 'Bytes'],
    colAligns: ['left', 'right', 'left', 'left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const tensor of plan.tensors)
    table.push([
      tensor.name,
      shapeOf(tensor).join(' × '),
      tensor.type + (tensor.type === tensor.wanted ? '' : ` for ${tensor.wanted}`),
      describePadding(tensor, model, plan) ?? '',
      String(tensor.sizeBytes),
    ]);
  return [
    table.toString(),
    describeLayers(model.layers),
    ...totals(plan, model, fileBytes),
    ...(reason === null ? [] : [reason]),
  ].join('\n');
}

/** The same for programs; shapes have the contiguous dimension first, as in a GGUF. */
export function planJson(prepared: Prepared) {
  const { plan, model, nParamsDense, fileBytes, warnings } = prepared;
  return {
    type: plan.fileType,
    ...choiceJson(prepared),
    file_bytes: fileBytes,
    weights_bytes: plan.weightsBytes,
    stock_bytes: plan.stockBytes,
    parameters: model.nParams,
    parameters_unpruned: nParamsDense,
    padded_weights: plan.paddedWeights,
    fallback_tensors: plan.larger.length,
    layers: layersJson(model.layers),
    tensors: plan.tensors.map((tensor) => ({
      name: tensor.name,
      shape: shapeOf(tensor),
      type: tensor.type,
      wanted_type: tensor.wanted,
      padding: describePadding(tensor, model, plan),
      size_bytes: tensor.sizeBytes,
    })),
    warnings,
  };
}

/** What a user wants to know of the file that was made. */
export function summaryText(summary: ConvertSummary): string {
  const { nParams, nParamsDense, durationMs } = summary;
  const kept =
    nParamsDense && nParamsDense !== nParams
      ? ` of ${formatCount(nParamsDense)} (${formatPercent(nParams / nParamsDense)} kept)`
      : '';
  return [
    summary.output,
    `  parameters   ${formatCount(nParams)}${kept}`,
    `  layers       ${describeLayers(summary.layers)}`,
    ...(summary.reason === null ? [] : [`  chosen       ${summary.reason}`]),
    `  type         ${summary.fileType}, ${summary.bitsPerWeight.toFixed(2)} bits per weight, architecture ${summary.arch}`,
    `  size         ${formatDisk(summary.sizeBytes)}`,
    `  time         ${formatSeconds(durationMs)}, peak memory ${formatMemory(summary.peakRssBytes)}`,
  ].join('\n');
}

/** The same for programs. */
export function summaryJson(summary: ConvertSummary) {
  return {
    output: summary.output,
    type: summary.fileType,
    ...choiceJson(summary),
    architecture: summary.arch,
    parameters: summary.nParams,
    parameters_unpruned: summary.nParamsDense,
    ...layersJson(summary.layers),
    size_bytes: summary.sizeBytes,
    bits_per_weight: summary.bitsPerWeight,
    duration_ms: summary.durationMs,
    peak_rss_bytes: summary.peakRssBytes,
    warnings: summary.warnings,
  };
}

/** Why a type was chosen for a device; nothing where it was asked for by name. */
function choiceJson({ reason, fit }: { reason: string | null; fit: Fit | null }) {
  if (!fit) return {};
  return {
    chosen_for: {
      device: fit.device.id,
      context_length: fit.memory.nCtx,
      memory_bytes: fit.neededBytes,
      budget_bytes: fit.budgetBytes,
      max_context_length: fit.maxCtx,
      reason,
    },
  };
}

function shapeOf({ nRows, nCols, nDims }: PlannedTensor): number[] {
  return nDims === 1 ? [nRows * nCols] : [nCols, nRows];
}

/** Which of its widths has zeros at the end, and how wide it was. */
function describePadding(
  { layer, role, name }: PlannedTensor,
  model: LlamaModel,
  { widths }: QuantisePlan,
): string | null {
  const parts: string[] = [];
  const add = (label: string, from: number, to: number) => {
    if (from !== to) parts.push(`${label} ${from} → ${to}`);
  };
  if (name !== 'rope_freqs.weight' && !name.endsWith('.bias'))
    add('n_embd', model.nEmbd, widths.nEmbd);
  const [from, to] = [model.layers[layer ?? -1], widths.layers[layer ?? -1]];
  if (from && to && role.startsWith('ffn_')) add('n_ff', from.nFf, to.nFf);
  if (from && to && role.startsWith('attn_')) add('heads', from.nHead, to.nHead);
  return parts.length > 0 ? parts.join(', ') : null;
}

function totals(plan: QuantisePlan, model: LlamaModel, fileBytes: number): string[] {
  const saved = plan.stockBytes - plan.weightsBytes;
  const { paddedWeights, larger } = plan;
  return [
    `${plan.fileType}: ${formatDisk(fileBytes)}, ${((8 * plan.weightsBytes) / model.nParams).toFixed(2)} bits per weight`,
    ...(paddedWeights > 0 ? [`padding: ${formatCount(paddedWeights)} weights of zero`] : []),
    ...(saved > 0
      ? [
          `saved: ${formatDisk(saved)} (${formatPercent(saved / plan.stockBytes)}) against llama.cpp's fallbacks`,
        ]
      : []),
    larger.length === 0
      ? 'fallbacks to a larger type: none'
      : `fallbacks to a larger type: ${larger.length}, as their rows are no whole blocks and padding would be larger still (${fallbacksText(plan)})`,
  ];
}
