// Opens a checkpoint or a LoRA in a process of its own and tells what that took.
// Peak memory is a process's, so nothing else may have run in it.
// `node open-apart.js CHECKPOINT [LORA]` prints one line of JSON; openApart calls it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { openLora } from '../../../model/checkpoint/lora/lora.js';

export type Opened = {
  /** Name of the error, or null where everything opened. */
  error: string | null;
  message: string;
  peakRssMib: number;
  cpuSeconds: number;
};

/** Far beyond what any file may take, so that a hang ends as a failed test. */
const HANG_MS = 120_000;

/** Rejects when the process crashed, ran out of memory or hung. */
export async function openApart(checkpointPath: string, loraPath?: string): Promise<Opened> {
  const program = fileURLToPath(import.meta.url);
  const args = loraPath === undefined ? [checkpointPath] : [checkpointPath, loraPath];
  const run = promisify(execFile)(process.execPath, [program, ...args], { timeout: HANG_MS });
  return JSON.parse((await run).stdout) as Opened;
}

async function main([checkpointPath = '', loraPath]: string[]): Promise<void> {
  const error = await open(checkpointPath, loraPath);
  const { user, system } = process.cpuUsage();
  const opened: Opened = {
    error: error?.name ?? null,
    message: error?.message ?? '',
    peakRssMib: peakRssKib() / 1024,
    cpuSeconds: (user + system) / 1e6,
  };
  console.log(JSON.stringify(opened));
}

/** On Linux maxRSS begins with that of the process which started this one; VmHWM does not. */
function peakRssKib(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

async function open(checkpointPath: string, loraPath: string | undefined): Promise<Error | null> {
  try {
    const checkpoint = await openCheckpoint(checkpointPath);
    if (loraPath !== undefined) await openLora(loraPath, checkpoint);
    return null;
  } catch (error) {
    return error as Error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
