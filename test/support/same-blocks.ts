// Two files of one model, tensor by tensor: the same type wherever blocks fit, and then the same bytes.
// Where one is padded, the blocks that both have are compared.
import type { Test } from 'tap';
import { type ConvertSummary, convert } from '../../converter/convert.js';
import { MIXTURES } from '../../model/types/mixtures.js';
import { readGgufTensors, type StoredTensor, tensorDigests } from './gguf-tensors.js';
import { stockQuantise } from './stock-quantise.js';

export function compareTensors(
  t: Test,
  ours: ReadonlyMap<string, StoredTensor>,
  stock: ReadonlyMap<string, StoredTensor>,
): void {
  t.strictSame([...ours.keys()].sort(), [...stock.keys()].sort(), 'the same tensors');
  let compared = 0;
  for (const [name, tensor] of ours) {
    const reference = stock.get(name) as StoredTensor;
    const fits = (tensor.shape[0] ?? 0) % 256 === 0 && (reference.shape[0] ?? 0) % 256 === 0;
    if (fits && tensor.type !== reference.type)
      t.fail(`${name} is ${tensor.type}, llama.cpp makes it ${reference.type}`);
    const isWider = tensor.shape[0] !== reference.shape[0];
    if (tensor.type !== reference.type || (isWider && name.includes('norm'))) continue;
    compared++;
    if (!commonBlocks(tensor, reference)) t.fail(`${name}, ${tensor.type}: other blocks`);
  }
  t.ok(compared > 0, `${compared} of ${ours.size} tensors have the same type`);
}

/** That convert reads GGUFs as llama.cpp's quantiser does, by the F32 that both make of them. */
export async function readAsStock(t: Test, sources: readonly string[]): Promise<ConvertSummary[]> {
  const stockPath = (source: string) => `${source}.stock-f32.gguf`;
  const jobs = sources.map((input) => {
    return { input, outputs: { [stockPath(input)]: MIXTURES.F32.fileTypeId } };
  });
  await stockQuantise(...jobs);
  const summaries: ConvertSummary[] = [];
  for (const source of sources) {
    const output = `${source}.f32.gguf`;
    summaries.push(await convert({ checkpoint: source, type: 'F32', output, threads: 1 }));
    const [a, b] = [await readGgufTensors(output), await readGgufTensors(stockPath(source))];
    t.strictSame(tensorDigests(a), tensorDigests(b), source);
  }
  return summaries;
}

/** Whether the whole blocks that both have, row by row, are the same bytes. */
function commonBlocks(a: StoredTensor, b: StoredTensor): boolean {
  const rows = Math.min(a.shape[1] ?? 1, b.shape[1] ?? 1);
  const rowBytes = (tensor: StoredTensor) => tensor.sizeBytes / (tensor.shape[1] ?? 1);
  const common = Math.min(rowBytes(a), rowBytes(b));
  for (let row = 0; row < rows; row++) {
    const of = (tensor: StoredTensor) =>
      tensor.bytes.subarray(row * rowBytes(tensor), row * rowBytes(tensor) + common);
    if (!of(a).equals(of(b))) return false;
  }
  return true;
}
