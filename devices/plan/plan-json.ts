// A plan as JSON: every ratio in every type, for programs.
import { layersJson } from '../../model/shape/layer-widths.js';
import { type FittedCandidate, leastPruning, type PlanRow } from './plan-for-device.js';
import { limitsOf, type PlanReport, speedAt, typesOf } from './plan-report.js';
import { publishedFrontier } from './published-frontier.js';
import { LLM_PRUNER_NEEDS, makeCommands, pruneCommand, pruneForCommand } from './shell-commands.js';

export function planReportJson(report: PlanReport) {
  const { base, device, rows, fileType } = report;
  const { nCtx, budgetBytes } = limitsOf(rows);
  const least = leastPruning(rows, fileType);
  return {
    base: {
      name: base.name,
      source: base.source,
      parameters: base.model.nParams,
      ...layersJson(base.model.layers),
    },
    device: device.id,
    context_length: nCtx,
    budget_bytes: budgetBytes,
    type: fileType,
    least_pruning_ratio: least?.row.ratio ?? null,
    least_pruning_by_type: Object.fromEntries(
      typesOf(rows).map((type) => [type, leastPruning(rows, type)?.row.ratio ?? null]),
    ),
    commands: least ? makeCommands(base, least.row, fileType) : [],
    llm_pruner_needs: least?.row.layers ? LLM_PRUNER_NEEDS : null,
    prune_command: least?.row.layers ? pruneCommand(base, least.row, fileType) : null,
    prune_for_command: pruneForCommand(base, { ...report, nCtx }),
    published_frontier:
      publishedFrontier(rows)?.pairs.map(({ row, candidate, perplexityFactor }) => ({
        pruning_ratio: row.ratio,
        type: candidate.fileType,
        memory_bytes: candidate.fit.neededBytes,
        perplexity_factor: perplexityFactor,
        fits: candidate.fit.verdict.kind === 'fits',
      })) ?? null,
    ratios: rows.map(rowJson),
  };
}

function rowJson({ ratio, layers, model, removed, perplexity, types }: PlanRow) {
  return {
    pruning_ratio: ratio,
    pruned_layers: layers && [layers.first, layers.last],
    parameters: model.nParams,
    parameters_removed: removed,
    ...layersJson(model.layers),
    perplexity,
    types: types.map(candidateJson),
  };
}

function candidateJson({ fileType, tensorBytes, fileBytes, fit }: FittedCandidate) {
  const { verdict, neededBytes, maxCtx } = fit;
  return {
    type: fileType,
    file_bytes: fileBytes,
    tensor_bytes: tensorBytes,
    memory_bytes: neededBytes,
    fits: verdict.kind === 'fits',
    verdict: verdict.kind,
    max_context_length: maxCtx,
    tokens_per_second: speedAt(fit),
  };
}
