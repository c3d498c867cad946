// What memory and speed depend on: the widths of a model, layer by layer.
// Pruned models differ from layer to layer, so every per-layer width is an array.
// Holds no weights and reads no files.

/** The widths of a Llama-shaped model. Arrays have one element a layer. */
export type ModelShape = {
  name: string;
  /** `general.architecture`: `llama` where all layers are alike, else `deci`. */
  arch: 'llama' | 'deci';
  nLayer: number;
  /** Hidden size, as stored (a padded channel-wise model counts its padding). */
  nEmbd: number;
  nVocab: number;
  /** Attention heads of each layer. */
  nHead: number[];
  /** Key-value heads of each layer. */
  nHeadKv: number[];
  /** Feed-forward width of each layer, as stored. */
  nFf: number[];
  /** Rows of one head; the same in every layer. */
  headSize: number;
  /** Longest context the model was trained for. */
  nCtxTrain: number;
  /** The output projection is the token embedding. */
  tiedEmbeddings: boolean;
  /** Weights without padding. */
  nParams: number;
};
