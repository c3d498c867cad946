// What is wrong with an update, or with what was asked of one; the message says what to do.

export class UpdateError extends Error {
  override readonly name = 'UpdateError';
  readonly code = 'HEARTH_UPDATE';
}
