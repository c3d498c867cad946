// What can be wrong with a calibration or with what it is to be made of.

/** The message names the file and what to do. */
export class CalibrationError extends Error {
  override readonly name = 'CalibrationError';
  readonly code = 'HEARTH_CALIBRATION';
}
