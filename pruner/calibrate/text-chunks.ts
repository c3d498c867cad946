// A text's tokens in chunks, as llama-imatrix cuts them: whole ones alone, each begun with the token that
// begins a text. Some are held out, evenly spread, to judge by what was learnt from the others.

export type Chunk = {
  index: number;
  tokens: Int32Array;
  /** Which of those that are held out it is; null for the others. */
  heldOut: number | null;
};

export type ChunkOptions = {
  chunkSize: number;
  /** At least so many tokens, as far as the text goes; null for all. */
  nTokens: number | null;
  /** At most so many rows are wanted of chunks that are held out; 0 holds none out. */
  nHeldOut: number;
  /** The token that begins a text; null where there is none. */
  bos: number | null;
};

/** As llama-imatrix asks for. */
const LEAST_CHUNKS = 2;
/** One chunk of so many is held out. */
const HELD_OUT_SHARE = 8;

/** Throws where the text is too short. */
export function cutChunks(tokens: Int32Array, options: ChunkOptions): Chunk[] {
  const { chunkSize, nTokens, bos } = options;
  const nWhole = Math.floor(tokens.length / chunkSize);
  const nChunks = nTokens === null ? nWhole : Math.min(nWhole, Math.ceil(nTokens / chunkSize));
  if (nWhole < LEAST_CHUNKS)
    throw new Error(
      `the text is ${tokens.length} tokens long, and calibration in chunks of ${chunkSize} needs at least ${LEAST_CHUNKS * chunkSize}; give a longer text or a shorter chunk`,
    );
  const held = heldOutChunks(nChunks, options);
  return Array.from({ length: nChunks }, (_, index) => {
    const chunk = tokens.slice(index * chunkSize, (index + 1) * chunkSize);
    if (bos !== null) chunk[0] = bos;
    const place = held.indexOf(index);
    return { index, tokens: chunk, heldOut: place < 0 ? null : place };
  });
}

function heldOutChunks(nChunks: number, { chunkSize, nHeldOut }: ChunkOptions): number[] {
  if (nHeldOut === 0 || nChunks < LEAST_CHUNKS) return [];
  const most = Math.max(1, Math.floor(nHeldOut / chunkSize));
  const n = Math.min(most, Math.max(1, Math.floor(nChunks / HELD_OUT_SHARE)));
  return Array.from({ length: n }, (_, i) => Math.floor(((i + 0.5) * nChunks) / n));
}

/** Rows that are kept of each chunk that is held out: every `stride`th, so that they are no more than asked. */
export function heldOutRows({ chunkSize, nHeldOut }: ChunkOptions): {
  stride: number;
  perChunk: number;
} {
  const stride = Math.max(1, Math.ceil(chunkSize / Math.max(1, nHeldOut)));
  return { stride, perChunk: Math.ceil(chunkSize / stride) };
}
