// How wide the file's tensors are: zeros are added where whole blocks of the wanted type are then
// smaller than what llama.cpp falls back to. Zero channels change no result (DESIGN.md).
// Pads no heads, which would cost KV cache; a layer that needs one in the file gets one of zeros.
import type { GgmlType } from '../../llama/ggml-types.js';
import { roundUp } from '../round-up.js';
import type { LayerWidths, LlamaModel } from '../shape/llama-model.js';
import type { StoredWidths } from '../shape/tensor-list.js';
import { type FileType, isFloatType, MIXTURES, mixtureType } from './mixtures.js';
import { blockWeights, matrixBytes, stockType } from './narrow-types.js';

/** Blocks of every quantised type that is not a K-quant. */
const NARROW_BLOCK = 32;
const WIDE_BLOCK = 256;

/** A mixture, and whether it is made with an importance matrix. */
export type MixtureChoice = { fileType: FileType; hasImatrix: boolean };

/** The widths under which `model` is stored as this mixture. */
export function chooseWidths(model: LlamaModel, mixture: MixtureChoice): StoredWidths {
  const layers = model.layers.map((layer, i) => runnableLayer(model, layer, i));
  if (isFloatType(mixture.fileType)) return { nEmbd: model.nEmbd, layers };
  const [wide, narrow] = [WIDE_BLOCK, NARROW_BLOCK].map((block) =>
    padLayers({ ...model, layers }, mixture, roundUp(model.nEmbd, block)),
  ) as [PaddedWidths, PaddedWidths];
  return wide.stockBytes <= narrow.stockBytes ? wide.widths : narrow.widths;
}

type PaddedWidths = {
  widths: StoredWidths;
  /** Size of the weights if llama.cpp's fallbacks filled what does not divide. */
  stockBytes: number;
};

/**
 * llama.cpp aborts on a layer without channels, and on a first layer without heads: those get the
 * smallest part of zeros, which adds nothing to the result. So does one that still has a bias.
 */
function runnableLayer(model: LlamaModel, layer: LayerWidths, i: number): LayerWidths {
  const outputBias = model.biases.has(`model.layers.${i}.self_attn.o_proj.bias`);
  const needsHead = layer.nHead === 0 && (i === 0 || outputBias);
  return { ...layer, nFf: layer.nFf || NARROW_BLOCK, ...(needsHead && ONE_HEAD) };
}

const ONE_HEAD = { nHead: 1, nHeadKv: 1 };

/** Every layer's channels for a hidden size of `nEmbd`. */
function padLayers(model: LlamaModel, mixture: MixtureChoice, nEmbd: number): PaddedWidths {
  const { fileType, hasImatrix } = mixture;
  const { base } = MIXTURES[fileType];
  const n = model.layers.length;
  const bytes = (nCols: number, nRows: number, type: GgmlType = base) =>
    matrixBytes(stockType(type, nCols), nCols, nRows);
  let stockBytes = bytes(nEmbd, model.nVocab, 'Q6_K');
  const layers = model.layers.map((layer, i) => {
    const wanted = mixtureType(fileType, 'ffn_down', { i, n, hasImatrix }, model.layers);
    const ffnBytes = (nFf: number) => bytes(nEmbd, 2 * nFf) + bytes(nFf, nEmbd, wanted);
    const nFf = padWidth(layer.nFf, wanted, ffnBytes);
    const qRows = layer.nHead * model.headSize;
    const kvRows = layer.nHeadKv * model.headSize;
    stockBytes += bytes(nEmbd, qRows + 2 * kvRows) + bytes(qRows, nEmbd) + ffnBytes(nFf);
    return { ...layer, nFf };
  });
  return { widths: { nEmbd, layers }, stockBytes };
}

/** `nFf` in whole blocks of `wanted`, or in blocks of 32 where the fallback is smaller. */
function padWidth(nFf: number, wanted: GgmlType, sizeBytes: (nFf: number) => number): number {
  const whole = roundUp(nFf, blockWeights(wanted));
  const fallback = roundUp(nFf, NARROW_BLOCK);
  return sizeBytes(whole) <= sizeBytes(fallback) ? whole : fallback;
}
