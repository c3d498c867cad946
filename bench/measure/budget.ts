// Holds processes to the memory that a smaller machine has, so that running out is real: by a control
// group where this user may make one, else by the limit on writable memory that every Linux has.
// For memory of the host; a GPU's is taken away by held-memory.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
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
  const hierarchy = ownHierarchy();
  if (!hierarchy) return null;
  const group = path.join(hierarchy.parent, `hearth-measure-${process.pid}`);
  const set = (file: string, value: number) => writeFileSync(path.join(group, file), String(value));
  try {
    mkdirSync(group);
  } catch {
    return null;
  }
  try {
    set(hierarchy.memory, budgetBytes);
  } catch {
    rmdirSync(group);
    return null;
  }
  try {
    set(hierarchy.swap, hierarchy.isSwapApart ? 0 : budgetBytes);
  } catch {
    // Not every kernel counts swap.
  }
  return { by: 'cgroup', hold: (pid) => set('cgroup.procs', pid), remove: () => rmdirSync(group) };
}

type Hierarchy = { parent: string; memory: string; swap: string; isSwapApart: boolean };

/** This process's: of version 1 of control groups where that has the memory, else of version 2. */
function ownHierarchy(): Hierarchy | null {
  const text = existsSync('/proc/self/cgroup') ? readFileSync('/proc/self/cgroup', 'latin1') : '';
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(text)?.[1];
  const second = /^0::(.*)$/m.exec(text)?.[1];
  if (first !== undefined)
    return {
      parent: path.join('/sys/fs/cgroup/memory', first),
      memory: 'memory.limit_in_bytes',
      swap: 'memory.memsw.limit_in_bytes',
      isSwapApart: false,
    };
  if (second === undefined) return null;
  return {
    parent: path.join('/sys/fs/cgroup', second),
    memory: 'memory.max',
    swap: 'memory.swap.max',
    isSwapApart: true,
  };
}

/** Of data and private writable maps, which is where weights, caches and buffers lie without mmap. */
function writableMemoryLimit(budgetBytes: number): HostBudget {
  if (process.platform !== 'linux')
    throw new MeasureError(
      `--budget holds memory of the system to a size only with Linux' means, and this is ${process.platform}; measure without it, or on a GPU`,
    );
  return {
    by: 'rlimit',
    hold: (pid) =>
      void execFileSync('prlimit', [`--pid=${pid}`, `--data=${budgetBytes}`], { stdio: 'pipe' }),
    remove: () => {},
  };
}
