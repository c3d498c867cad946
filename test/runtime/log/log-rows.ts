// Rows to record and the sqlite3 shell to read them back with.
// The shell is the outside reader: what it prints is what a user of the log sees.
// Values are those of a 7B model on a small GPU; every one differs, so that none is swapped unseen.
import { execFileSync } from 'node:child_process';
import type { AnswerLog } from '../../../runtime/log/answer-log.js';
import type { MachineRow, ModelRow, RequestRow, RunRow } from '../../../runtime/log/rows.js';

export const STARTED_AT_MS = Date.UTC(2026, 10, 24, 9, 30);

export const machineRow: MachineRow = {
  cpu: 'Ryzen 5 5600',
  cpuCores: 6,
  memoryBytes: 16 * 2 ** 30,
  gpus: [{ name: 'RTX 3060', memoryBytes: 12 * 2 ** 30 }],
  driver: 'NVIDIA 550.54',
  os: 'Debian 12 x64',
};

export const modelRow: ModelRow = {
  sha256: 'ab'.repeat(32),
  path: '/models/pruned.gguf',
  modifiedAtMs: STARTED_AT_MS - 86_400_000,
  sizeBytes: 3_400_000_000,
  shape: {
    name: 'pruned-7b',
    arch: 'deci',
    nLayer: 2,
    nEmbd: 4096,
    nVocab: 32_000,
    nHead: [32, 25],
    nHeadKv: [32, 25],
    nFf: [11_008, 8_960],
    nParams: 5_400_000_000,
  },
  types: { Q4_K: 12, F32: 5 },
  provenance: { 'hearth.source': 'LLM-Pruner' },
};

export function runRow(machineId: number, modelId: number): RunRow {
  return {
    machineId,
    modelId,
    startedAtMs: STARTED_AT_MS,
    hearthVersion: '0.1.0',
    settings: { modelPath: modelRow.path, gpu: 'auto', parallel: 4 },
    info: {
      modelPath: modelRow.path,
      modelName: 'pruned-7b',
      nCtx: 4096,
      nCtxTrain: 4096,
      nVocab: 32_000,
      nEmbd: 4096,
      parallel: 4,
      backend: 'cuda',
      deviceNames: ['RTX 3060'],
      gpuLayers: 33,
      kvType: 'F16',
      threads: 6,
      hasFixedThreads: false,
      flashAttention: true,
      mmap: false,
      llamaCppRelease: 'v0.5.0',
      loadMs: 2_345.5,
      weightsBytes: 3_300_000_000,
      kvBytes: 2_000_000_000,
      computeBytes: 300_000_000,
      predicted: {
        weightsBytes: 3_300_000_001,
        kvBytes: 2_000_000_001,
        computeBytes: 300_000_001,
        totalBytes: 5_900_000_000,
      },
      chatTemplate: null,
      bosTokenId: 1,
      eosTokenId: 2,
      canEmbed: false,
    },
    measuredTotalBytes: 5_950_000_000,
  };
}

export function requestRow(runId: number, changes: Partial<RequestRow> = {}): RequestRow {
  return {
    runId,
    startedAtMs: STARTED_AT_MS,
    endpoint: '/v1/chat/completions',
    timings: {
      queueMs: 1.5,
      ttftMs: 120.25,
      promptTokens: 500,
      cachedTokens: 400,
      promptMs: 110,
      generatedTokens: 80,
      generationMs: 2_000,
      totalMs: 2_121,
      interTokenP50Ms: 24,
      interTokenP95Ms: 31,
      interTokenMaxMs: 55,
      draft: { tokens: 40, acceptedTokens: 30, gain: 1.25 },
    },
    memory: {
      rssBytes: 700_000_000,
      peakRssBytes: 710_000_000,
      deviceBeforeBytes: 5_800_000_000,
      devicePeakBytes: 5_900_000_001,
      deviceAfterBytes: 5_850_000_000,
      contextUsed: 580,
      nCtx: 4096,
    },
    stopReason: 'eos',
    droppedTurns: 2,
    droppedTokens: 210,
    prompt: 'What is a hearth?',
    answer: 'The floor of a fireplace.',
    ...changes,
  };
}

/** Records machine, model and run; returns the run's id. */
export function recordStart(log: AnswerLog): number {
  return log.recordRun(runRow(log.recordMachine(machineRow), log.recordModel(modelRow)));
}

/** Rows of a query by the sqlite3 shell, which shares no code with better-sqlite3. */
export function sqlite3(file: string, sql: string): Record<string, string | number | null>[] {
  const output = execFileSync('sqlite3', ['-cmd', '.timeout 10000', '-json', file, sql], {
    encoding: 'utf8',
    // An error is in what this throws; printed as well, it would stand among the results.
    stdio: 'pipe',
  });
  return output === '' ? [] : JSON.parse(output);
}
