// Why a child process ended, in words and numbers that help whoever reads the error.
// A kill leaves no message behind, so what the model asked and what was free are told beside it.
// Reads the control group's counter of kills, where Linux has one.
import { readFileSync } from 'node:fs';
import { formatMemory } from '../terminal/units.js';

export type MemoryBefore = {
  freeBytes: number;
  /** Kills for want of memory so far; undefined where the kernel does not say. */
  oomKills: number | undefined;
};

/** What is free now, for {@link describeDeath} to compare with. */
export function memoryBefore(): MemoryBefore {
  return { freeBytes: process.availableMemory(), oomKills: readOomKills() };
}

export type ChildEnd = { signal: string | null; exitCode: number | null };

export type Death = {
  /** Whether it was loading a model still, or had one at work. */
  code: 'load-failed' | 'engine-died';
  end: ChildEnd;
  nativeLog: string[];
  askedBytes: number | undefined;
  before: MemoryBefore;
  /** Whose process it was; default the engine's. */
  who?: string;
  /** Why whoever started it killed it; the kill then tells nothing of memory. */
  hang?: string | undefined;
};

export type DeathReport = {
  code: Death['code'];
  message: string;
  signal?: string;
  exitCode?: number;
  /** For a kill: what the model asks for, and what the machine (or its control group) had left. */
  askedBytes?: number;
  freeBytes?: number;
  nativeLog: string[];
};

export function describeDeath(death: Death): DeathReport {
  const { code, end, nativeLog, askedBytes, before, hang, who = "the engine's process" } = death;
  const { signal, exitCode } = end;
  if (hang !== undefined) return describeHang(hang, nativeLog);
  const doing = code === 'load-failed' ? 'while it loaded the model' : 'while it was at work';
  const how = signal ? `was ended by ${signal}` : `exited with code ${exitCode ?? 'unknown'}`;
  const isKill = signal === 'SIGKILL';
  const why = isKill ? killReason(before, askedBytes) : lastWords(nativeLog);
  return {
    code,
    message: `${who} ${how} ${doing}${why}`,
    ...(signal && { signal }),
    ...(exitCode !== null && { exitCode }),
    ...(isKill && askedBytes !== undefined && { askedBytes }),
    ...(isKill && { freeBytes: before.freeBytes }),
    nativeLog,
  };
}

function describeHang(hang: string, nativeLog: string[]): DeathReport {
  return {
    code: 'engine-died',
    message: `the engine's process ${hang}, so it was ended with what was under way; ask again when the model is loaded`,
    signal: 'SIGKILL',
    nativeLog,
  };
}

function killReason({ freeBytes, oomKills }: MemoryBefore, askedBytes: number | undefined): string {
  const now = readOomKills();
  const isOom = now !== undefined && oomKills !== undefined && now > oomKills;
  const who = isOom
    ? 'by the kernel, which was out of memory'
    : 'from outside; the kernel does so when memory runs out';
  const asked = askedBytes === undefined ? '' : `the model asks ${formatMemory(askedBytes)} and `;
  return `, ${who}: ${asked}${formatMemory(freeBytes)} were free before it loaded; take a smaller model or context if this repeats`;
}

/** llama.cpp's last line, which says what it asserted. */
function lastWords(nativeLog: string[]): string {
  const last = nativeLog.findLast((line) => /assert|abort|error|fail/i.test(line));
  return last === undefined ? '' : `: ${last}`;
}

function readOomKills(): number | undefined {
  for (const file of ['/sys/fs/cgroup/memory.events', '/proc/vmstat'])
    try {
      const match = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'latin1'));
      if (match) return Number(match[1]);
    } catch {
      // Not Linux, or not this kind of control group.
    }
  return undefined;
}
