// The pairs of a GGUF that say what the file is and where it comes from: general.* as the GGUF
// specification names them, and hearth.* for what only pruned models have.
// Digests have one length, so that the header's size is known before the sources are hashed.
import path from 'node:path';
import type { Checkpoint } from '../model/checkpoint/checkpoint.js';
import type { Lora } from '../model/checkpoint/lora/lora.js';
import {
  float32Entry,
  type GgufMetadata,
  stringEntry,
  uint32Entry,
} from '../model/gguf/gguf-metadata.js';
import type { ImportanceMatrix } from '../model/imatrix/importance-matrix.js';
import { architectureOf, type LlamaModel } from '../model/shape/llama-model.js';
import { MIXTURES } from '../model/types/mixtures.js';
import type { QuantisePlan } from '../model/types/quantise-plan.js';
import { hearthVersion } from '../terminal/version.js';

/** GGML_QNT_VERSION of ggml.h: how the blocks of quantised types are laid out. */
const QUANTISATION_VERSION = 2;

export type Provenance = {
  name: string;
  checkpoint: Checkpoint;
  lora: Lora | null;
  importance: ImportanceMatrix | null;
  model: LlamaModel;
  plan: QuantisePlan;
  /** Weights before pruning; null where the config does not tell. */
  nParamsDense: number | null;
  /** SHA-256 by source file, 64 hex digits each. */
  digests: ReadonlyMap<string, string>;
};

/** `general.*` and `hearth.*` of a converted model. */
export function provenanceMetadata(provenance: Provenance): GgufMetadata {
  const { name, checkpoint, model, plan } = provenance;
  return {
    'general.architecture': stringEntry(architectureOf(plan.widths.layers)),
    'general.type': stringEntry('model'),
    'general.name': stringEntry(name),
    'general.size_label': stringEntry(sizeLabel(model.nParams)),
    'general.quantized_by': stringEntry(`hearth ${hearthVersion()}`),
    ...baseModel(checkpoint),
    ...sampling(checkpoint.generationConfig ?? {}),
    'general.file_type': uint32Entry(MIXTURES[plan.fileType].fileTypeId),
    'general.quantization_version': uint32Entry(QUANTISATION_VERSION),
    ...imatrixPairs(provenance),
    ...hearthPairs(provenance),
  };
}

/** llama-quantize cuts texts to this many bytes. */
const LONGEST_TEXT = 127;

/** As llama-quantize writes them, but of a path only the file's name. */
function imatrixPairs({ importance }: Provenance): GgufMetadata {
  if (!importance) return {};
  const { file, datasets, columns, chunkCount } = importance;
  const short = (text: string) => stringEntry(cutText(text, LONGEST_TEXT));
  return {
    ...(file !== undefined && { 'quantize.imatrix.file': short(path.basename(file)) }),
    ...(datasets[0] !== undefined && { 'quantize.imatrix.dataset': short(datasets[0]) }),
    'quantize.imatrix.entries_count': uint32Entry(columns.size),
    ...(chunkCount > 0 && { 'quantize.imatrix.chunks_count': uint32Entry(chunkCount) }),
  };
}

/** The first characters that take at most `maxBytes` as UTF-8. */
function cutText(text: string, maxBytes: number): string {
  const bytes = new Uint8Array(maxBytes);
  return text.slice(0, new TextEncoder().encodeInto(text, bytes).read);
}

function hearthPairs(provenance: Provenance): GgufMetadata {
  const { checkpoint, lora, model, nParamsDense, digests } = provenance;
  const files = [...digests.keys()];
  const { pruningArguments } = checkpoint;
  return {
    'hearth.version': stringEntry(hearthVersion()),
    'hearth.source.kind': stringEntry(checkpoint.kind),
    'hearth.source.files': {
      type: 'ARRAY',
      of: 'STRING',
      value: files.map((file) => path.basename(file)),
    },
    'hearth.source.sha256': { type: 'ARRAY', of: 'STRING', value: [...digests.values()] },
    ...(lora && { 'hearth.lora.config': stringEntry(JSON.stringify(lora.config)) }),
    ...(pruningArguments && {
      'hearth.pruning.arguments': stringEntry(JSON.stringify(pruningArguments)),
    }),
    ...(nParamsDense && {
      'hearth.parameter_count.unpruned': { type: 'UINT64', value: nParamsDense },
    }),
    'hearth.parameter_count': { type: 'UINT64', value: model.nParams },
    'hearth.unpadded.embedding_length': uint32Entry(model.nEmbd),
    'hearth.unpadded.head_count': int32Array(model.layers.map(({ nHead }) => nHead)),
    'hearth.unpadded.feed_forward_length': int32Array(model.layers.map(({ nFf }) => nFf)),
  };
}

function int32Array(value: number[]) {
  return { type: 'ARRAY', of: 'INT32', value } as const;
}

function baseModel({ pruningArguments }: Checkpoint): GgufMetadata {
  const base = pruningArguments?.['base_model'];
  if (!base) return {};
  return {
    'general.base_model.count': uint32Entry(1),
    'general.base_model.0.name': stringEntry(path.basename(base)),
  };
}

/** As llama.cpp's converter takes them from generation_config.json. */
function sampling(config: Record<string, unknown>): GgufMetadata {
  const pairs: GgufMetadata = {};
  const { top_k: topK, top_p: topP, min_p: minP, temperature } = config;
  if (Number.isSafeInteger(topK))
    pairs['general.sampling.top_k'] = { type: 'INT32', value: topK as number };
  if (typeof topP === 'number') pairs['general.sampling.top_p'] = float32Entry(topP);
  if (typeof minP === 'number') pairs['general.sampling.min_p'] = float32Entry(minP);
  if (typeof temperature === 'number') pairs['general.sampling.temp'] = float32Entry(temperature);
  return pairs;
}

/** `6.2M`, `5.4B`: the specification's size_label. */
function sizeLabel(nParams: number): string {
  const [value, unit] = nParams >= 1e9 ? [nParams / 1e9, 'B'] : [nParams / 1e6, 'M'];
  return `${value.toFixed(1)}${unit}`;
}
