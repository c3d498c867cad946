// What every part of bench:prune is given: a model of Llama-2-7B's widths, and how it is pruned.
// Measures nothing.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FileType } from '../../../model/types/mixtures.js';

export type Setting = {
  /** A Hugging Face folder, and its name in figures. */
  checkpoint: string;
  model: string;
  layers: { first: number; last: number };
  ratio: number;
  type: FileType;
  /** Tokens of calibration, and what the whole run may take. */
  tokens: number;
  memoryBytes: number;
  /** Turns of what is measured against something else. */
  rounds: number;
  /** For all that is written. */
  folder: string;
  /** Shows progress. */
  note: (text: string) => void;
  signal: AbortSignal;
};

export const MIB = 2 ** 20;

const CLI = path.resolve(import.meta.dirname, '../../../cli.js');

/** Of the demo's vocabulary, which names none. */
export const TEMPLATE = ['--chat-template', 'llama-2'];

/** The hearth command in a process of its own, temporary files in the setting's folder: stdout, and its process. */
export function hearth(args: string[], setting: Pick<Setting, 'folder' | 'signal'>) {
  return runNode([CLI, ...args], setting);
}

/** Node with a script and its arguments, likewise. */
export function runNode(args: string[], { folder, signal }: Pick<Setting, 'folder' | 'signal'>) {
  return promisify(execFile)(process.execPath, args, {
    ...{ signal, maxBuffer: 64 * MIB, env: { ...process.env, TMPDIR: folder } },
  });
}
