// How far a pruning is, as every part of it tells. Shows nothing.

/** `done` of `of`, of whatever the stage counts. */
export type Stage = { name: StageName; part: string; done: number; of: number };
export type StageName =
  | 'dense'
  | 'calibrate'
  | 'choose'
  | 'noise'
  | 'search'
  | 'repair'
  | 'write'
  | 'judge';
