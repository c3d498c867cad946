// Holds processes to the memory that a smaller machine has, so that running out is real: by a control
// group where this user may make one, else by the limit on writable memory that every Linux has.
// For memory of the host; a GPU's is taken away by ballast.ts. Changes no process but ours.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MeasureError } from '../../llama/measure-error.js';

export type HostBudget = {
  by: 'cgroup' | 'rlimit';
  /** Puts a process under it, with the children that it will have. */
  hold(pid: number): void;
  /** To be called when the processes have ended. */
  remove(): void;
};

/** All that is held shares one budget of a control group; the limit counts each process for itself. */
export function hostBudget(budgetBytes: number): HostBudget {
  return controlGroup(budgetBytes) ?? writableMemoryLimit(budgetBytes);
}

/** Null where this user may not make one. */
function controlGroup(budgetBytes: number): HostBudget | null {
  for (const { parent, limits } of hierarchies()) {
    const group = path.join(parent, `hearth-measure-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      for (const [name, isOptional] of limits)
        setLimit(path.join(group, name), name, budgetBytes, isOptional);
      return {
        by: 'cgroup',
        hold: (pid) => writeFileSync(path.join(group, 'cgroup.procs'), String(pid)),
        remove: () => rmdirSync(group),
      };
    } catch {
      rmdirSync(group);
    }
  }
  return null;
}

type Hierarchy = { parent: string; limits: [file: string, isOptional: boolean][] };

/** Version 2 of control groups, and the older kind. */
function hierarchies(): Hierarchy[] {
  const lines = readOrEmpty('/proc/self/cgroup').split('\n');
  const unified = lines.find((line) => line.startsWith('0::'))?.slice('0::'.length);
  const memory = lines.find((line) => /^\d+:([^:]*,)?memory[,:]/.test(line));
  const found: Hierarchy[] = [];
  if (memory !== undefined)
    found.push({
      parent: path.join('/sys/fs/cgroup/memory', memory.split(':').slice(2).join(':')),
      limits: [
        ['memory.limit_in_bytes', false],
        ['memory.memsw.limit_in_bytes', true],
      ],
    });
  else if (unified !== undefined)
    found.push({
      parent: path.join('/sys/fs/cgroup', unified),
      limits: [
        ['memory.max', false],
        ['memory.swap.max', true],
      ],
    });
  return found;
}

function setLimit(file: string, name: string, budgetBytes: number, isOptional: boolean): void {
  try {
    writeFileSync(file, name === 'memory.swap.max' ? '0' : String(budgetBytes));
  } catch (error) {
    if (!isOptional) throw error;
  }
}

/** Of data and private writable maps, which is where weights, caches and buffers lie without mmap. */
function writableMemoryLimit(budgetBytes: number): HostBudget {
  if (process.platform !== 'linux')
    throw new MeasureError(
      `--budget holds memory of the system to a size with Linux' means alone, and this is ${process.platform}; measure without it, or on a GPU`,
    );
  return {
    by: 'rlimit',
    hold: (pid) =>
      void execFileSync('prlimit', [`--pid=${pid}`, `--data=${budgetBytes}`], { stdio: 'pipe' }),
    remove: () => {},
  };
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
