// What every part of the arm64 test is handed.
import type { Arm64System } from './system.js';

export type Arm64Setting = {
  system: Arm64System;
  /** For what is made on this machine. */
  folder: string;
  signal: AbortSignal;
  check: (isRight: boolean, what: string) => void;
};

/** Where install.sh puts hearth. */
export const APP = '/opt/hearth/current/app';
export const MODEL = '/opt/hearth/current/model/dense.gguf';
