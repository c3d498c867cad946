// What can go wrong in a measurement, for a caller who keeps what was measured before.

/** The process that measures ended, or llama.cpp refused; the rows before it are good. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';
  readonly code = 'HEARTH_MEASURE';
}
