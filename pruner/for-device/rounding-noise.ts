// What a type rounds off, before any file of it is written: the share of each weight's output that its blocks
// lose, on some rows of some layers, weighed by the importance matrix as the quantiser weighs it, summed over the
// weights. Divergence follows it closely enough to tell which files are worth writing (Malinovskii et al., Pushing
// the Limits of Large Language Model Quantization via the Linearity Theorem, 2025).
import { loadKernels } from '../../converter/quantise/kernels.js';
import { type GgmlType, isQuantised, rowSizeBytes } from '../../llama/ggml-types.js';
import type { ImportanceMatrix } from '../../model/imatrix/importance-matrix.js';
import type { PlannedTensor, QuantisePlan } from '../../model/types/quantise-plan.js';
import type { DenseModel } from '../dense-model.js';
import type { Matrix } from '../linear/matrix.js';

/** Layers that stand for all, evenly spread. */
const LAYERS = 4;
/** Rows of each of their weights, in so many places. */
const ROWS = 4;
const PLACES = 4;
/** What any block divides. */
const WIDEST_BLOCK = 256;

export type NoiseMeter = (plan: QuantisePlan) => number;

/** Each weight of a type is looked at once. */
export function openNoiseMeter(dense: DenseModel, importance: ImportanceMatrix): NoiseMeter {
  const found = new Map<string, number>();
  const nLayer = dense.model.layers.length;
  const noiseOf = (tensor: PlannedTensor): number => {
    const { name, source } = sampled(tensor, nLayer);
    const key = `${name} ${tensor.type}`;
    const noise =
      found.get(key) ??
      lostShare(dense, { name: source, type: tensor.type }, importance.columns.get(name));
    found.set(key, noise);
    return noise;
  };
  return ({ tensors }) =>
    tensors
      .filter(({ nDims, type, nRows }) => nDims === 2 && isQuantised(type) && nRows > 0)
      .reduce((sum, tensor) => sum + noiseOf(tensor), 0);
}

/** The same weight of the layer that stands for this one. */
function sampled(
  { name, source, layer }: PlannedTensor,
  nLayer: number,
): { name: string; source: string } {
  if (typeof source !== 'string') return { name, source: '' };
  if (layer === null) return { name, source };
  const group = Math.floor((layer * LAYERS) / nLayer);
  const other = Math.floor(((group + 0.5) * nLayer) / LAYERS);
  const at = nLayer <= LAYERS ? layer : other;
  return {
    name: name.replace(/^blk\.\d+\./, `blk.${at}.`),
    source: source.replace(/^model\.layers\.\d+\./, `model.layers.${at}.`),
  };
}

/** Σ importance · (w - rounded w)² over Σ importance · w². */
function lostShare(
  dense: DenseModel,
  { name, type }: { name: string; type: GgmlType },
  importance: Float32Array | undefined,
): number {
  const rows = sampleRows(dense, name);
  if (!rows) return 0;
  const padded = inWholeBlocks(rows);
  const weights = new Float32Array(padded.nCols);
  weights.set(importance ?? new Float32Array(rows.nCols).fill(1));
  const rounded = roundTrip(padded, type, importance ? weights : null);
  let [lost, all] = [0, 0];
  for (let i = 0; i < padded.data.length; i++) {
    const [w, weight] = [padded.data[i] as number, weights[i % padded.nCols] as number];
    lost += weight * (w - (rounded[i] as number)) ** 2;
    all += weight * w * w;
  }
  return all > 0 ? lost / all : 0;
}

/** Null of a weight that the checkpoint has not. */
function sampleRows(dense: DenseModel, name: string): Matrix | null {
  const [total = 0, nCols = 0] = dense.checkpoint.tensors.get(name)?.shape ?? [];
  if (total === 0 || nCols === 0) return null;
  const nRows = Math.min(ROWS, total);
  const parts = Array.from({ length: PLACES }, (_, place) => {
    const firstRow = Math.floor(((total - nRows) * (place + 0.5)) / PLACES);
    return dense.readRows(name, { firstRow, nRows }).data;
  });
  const data = new Float32Array(PLACES * nRows * nCols);
  for (const [i, part] of parts.entries()) data.set(part, i * part.length);
  return { nRows: PLACES * nRows, nCols, data };
}

/** As the file has rows: with zeros behind them. */
function inWholeBlocks({ nRows, nCols, data }: Matrix): Matrix {
  const wide = Math.ceil(nCols / WIDEST_BLOCK) * WIDEST_BLOCK;
  if (wide === nCols) return { nRows, nCols, data };
  const padded = new Float32Array(nRows * wide);
  for (let row = 0; row < nRows; row++)
    padded.set(data.subarray(row * nCols, (row + 1) * nCols), row * wide);
  return { nRows, nCols: wide, data: padded };
}

function roundTrip(
  { nRows, nCols, data }: Matrix,
  type: GgmlType,
  importance: Float32Array | null,
): Float32Array {
  const kernels = loadKernels();
  const blocks = new Uint8Array(nRows * rowSizeBytes(type, nCols));
  kernels.toType(type, data, blocks, nRows, nCols, importance);
  const rounded = new Float32Array(nRows * nCols);
  kernels.fromBlocks(type, blocks, rounded, nRows * nCols);
  return rounded;
}
