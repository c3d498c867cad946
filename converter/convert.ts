// A checkpoint becomes one quantised GGUF, in one pass and with little memory: the header is laid
// out first, then every tensor streams to its place in the file, then the header gets the digests
// of the sources. Prints nothing; progress and warnings go to the caller.
import path from 'node:path';
import type { Fit } from '../devices/fit/fit.js';
import { architectureOf, type LayerWidths } from '../model/shape/llama-model.js';
import type { FileType } from '../model/types/mixtures.js';
import { asOutputError, type OutputFile, openOutput } from '../terminal/output-file.js';
import { type Prepared, type PrepareOptions, prepare } from './prepare.js';
import { checkUnchanged } from './stream/source-files.js';
import { SourceHashes } from './stream/source-hashes.js';
import { type StreamProgress, streamTensors } from './stream/stream-tensors.js';
import type { TensorJob } from './stream/tensor-job.js';

export type ConvertOptions = PrepareOptions & {
  /** Path of the GGUF to write. */
  output: string;
  /** Replace an existing file. */
  force?: boolean | undefined;
  /** Converting threads; default one for every core. */
  threads?: number | undefined;
  /** Called about ten times a second and more, from the first tensor on. */
  onProgress?: ((progress: StreamProgress) => void) | undefined;
  /** Called with the plan before anything is written. */
  onPlan?: ((prepared: Prepared) => void) | undefined;
};

export type ConvertSummary = {
  output: string;
  fileType: FileType;
  /** Why this type, and how it fits the device that it was chosen for; null where it was asked for. */
  reason: string | null;
  fit: Fit | null;
  arch: 'llama' | 'deci';
  /** Weights after pruning, and before it where the config tells. */
  nParams: number;
  nParamsDense: number | null;
  /** Widths of the checkpoint's layers, before any padding. */
  layers: LayerWidths[];
  sizeBytes: number;
  bitsPerWeight: number;
  durationMs: number;
  /** Of this whole process, since it started. */
  peakRssBytes: number;
  warnings: string[];
};

/**
 * Converts a checkpoint. Rejects with `CheckpointError` (what is wrong with the input),
 * {@link OutputError} (with the output) or the signal's reason; the output is then as it was.
 */
export async function convert(options: ConvertOptions): Promise<ConvertSummary> {
  const start = performance.now();
  const prepared = await prepare(options);
  options.onPlan?.(prepared);
  const output = await openOutput(options.output, {
    sizeBytes: prepared.fileBytes,
    inputs: [...prepared.sourceFiles.keys(), ...imatrixFile(options)],
    force: options.force ?? false,
  });
  try {
    await write(prepared, output, options);
    await output.commit();
  } catch (error) {
    await output.discard();
    throw asOutputError(error, options.output);
  }
  return summarise(prepared, options.output, performance.now() - start);
}

function imatrixFile({ importance }: ConvertOptions): string[] {
  return importance?.file === undefined ? [] : [importance.file];
}

async function write(prepared: Prepared, output: OutputFile, options: ConvertOptions) {
  const hashes = new SourceHashes([...prepared.sourceFiles.keys()]);
  const { signal, onProgress, threads } = options;
  try {
    const { offsetsBytes } = prepared.layOut();
    const jobs = listJobs(prepared, offsetsBytes);
    await streamTensors(jobs, output.handle.fd, { hashes, signal, onProgress, threads });
    const digests = await hashes.finish(signal);
    await checkUnchanged(prepared.sourceFiles);
    const { header } = prepared.layOut(digests);
    await output.handle.writeFile(header);
  } finally {
    await hashes.close();
  }
}

function listJobs(prepared: Prepared, offsetsBytes: number[]): TensorJob[] {
  const { plan, checkpoint, lora, importance } = prepared;
  return plan.tensors.map((tensor, i) => {
    const name = typeof tensor.source === 'string' ? tensor.source : '';
    return {
      tensor,
      source: checkpoint.tensors.get(name) ?? null,
      lora: lora?.pairs.get(name) ?? null,
      importance: shared(importance?.get(tensor.name)),
      offsetBytes: offsetsBytes[i] as number,
    };
  });
}

/** Not cloned into every thread. */
function shared(values: Float32Array | undefined): Float32Array | null {
  if (!values) return null;
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

function summarise(prepared: Prepared, output: string, durationMs: number): ConvertSummary {
  const { plan, model, fileBytes } = prepared;
  return {
    output: path.resolve(output),
    fileType: plan.fileType,
    reason: prepared.reason,
    fit: prepared.fit,
    arch: architectureOf(plan.widths.layers),
    nParams: model.nParams,
    nParamsDense: prepared.nParamsDense,
    layers: model.layers,
    sizeBytes: fileBytes,
    bitsPerWeight: (8 * plan.weightsBytes) / model.nParams,
    durationMs,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    warnings: prepared.warnings,
  };
}
