// Drops an output projection that is the token embedding, so that it is stored once.
// In a pickle both names share one storage; a Hugging Face folder says so in its config.
// Two equal copies are not tied: nothing is compared but places.
import type { TensorSource } from './tensor-source.js';

const EMBEDDING = 'model.embed_tokens.weight';
const OUTPUT = 'lm_head.weight';

/** Removes `lm_head.weight` where it is tied; returns whether it was. */
export function untie(tensors: Map<string, TensorSource>, tiedByConfig: boolean): boolean {
  const [embedding, output] = [tensors.get(EMBEDDING), tensors.get(OUTPUT)];
  const shared =
    embedding !== undefined &&
    embedding.filePath === output?.filePath &&
    embedding.offsetBytes === output.offsetBytes &&
    embedding.sizeBytes === output.sizeBytes;
  if (!shared && !tiedByConfig) return false;
  tensors.delete(OUTPUT);
  return true;
}
