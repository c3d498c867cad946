// What every part of the fleet bench is handed.
// No part makes its own model or folder, so that one run compares like with like.

export type FleetSetting = {
  modelPath: string;
  folder: string;
  /** A tenth of everything. */
  isQuick: boolean;
  signal: AbortSignal;
  note: (text: string) => void;
};
