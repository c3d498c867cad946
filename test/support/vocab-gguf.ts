// Lets the real llama.cpp load a vocabulary that the converter made, without any weights.
// The file is written by @huggingface/gguf, so that a mistake of our own writer cannot hide one here.
// The model's numbers are of no meaning; llama.cpp only wants to see some.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type GGUFTypedMetadata, GGUFValueType, serializeGgufMetadata } from '@huggingface/gguf';
import type { Llama, LlamaModel } from 'node-llama-cpp';
import { LlamaLogLevel, openNodeLlama } from '../../llama/node-llama.js';
import type { GgufMetadata } from '../../model/gguf/gguf-metadata.js';

const ANY_LLAMA: GgufMetadata = {
  'general.architecture': { type: 'STRING', value: 'llama' },
  'llama.block_count': { type: 'UINT32', value: 1 },
  'llama.context_length': { type: 'UINT32', value: 512 },
  'llama.embedding_length': { type: 'UINT32', value: 32 },
  'llama.feed_forward_length': { type: 'UINT32', value: 32 },
  'llama.attention.head_count': { type: 'UINT32', value: 1 },
  'llama.attention.layer_norm_rms_epsilon': { type: 'FLOAT32', value: 1e-5 },
};

export async function startLlamaCpp(): Promise<Llama> {
  return await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
}

/** The vocabulary of `pairs` as llama.cpp sees it. */
export async function loadVocabulary(llama: Llama, pairs: GgufMetadata): Promise<LlamaModel> {
  const modelPath = path.join(tmpdir(), `hearth-vocabulary-${process.pid}-${Date.now()}.gguf`);
  writeFileSync(modelPath, vocabGguf(pairs));
  try {
    return await llama.loadModel({ modelPath, vocabOnly: true, gpuLayers: 0, useMmap: false });
  } finally {
    rmSync(modelPath);
  }
}

function vocabGguf(pairs: GgufMetadata): Uint8Array {
  const entries = Object.entries({ ...ANY_LLAMA, ...pairs }).map(([key, entry]) => [
    key,
    entry.type === 'ARRAY'
      ? { type: GGUFValueType.ARRAY, subType: GGUFValueType[entry.of], value: entry.value }
      : { type: GGUFValueType[entry.type as keyof typeof GGUFValueType], value: entry.value },
  ]);
  return serializeGgufMetadata({
    version: { type: GGUFValueType.UINT32, value: 3 },
    tensor_count: { type: GGUFValueType.UINT64, value: 0n },
    kv_count: { type: GGUFValueType.UINT64, value: BigInt(entries.length) },
    ...Object.fromEntries(entries),
  } as GGUFTypedMetadata);
}
