// The one error of writing to a device, with a reason that a program can tell apart.
// The message says which device or image, what is wrong and what to do.

export type FlashReason =
  | 'no-device'
  | 'system-disk'
  | 'partition'
  | 'mounted'
  | 'in-use'
  | 'read-only'
  | 'no-medium'
  | 'too-small'
  | 'changed'
  | 'not-confirmed'
  | 'bad-image'
  | 'false-size'
  | 'device-failed'
  | 'wrong-data';

/** Thrown where a device is not, or not rightly, written. */
export class FlashError extends Error {
  override readonly name = 'FlashError';
  readonly code = 'HEARTH_FLASH';
  readonly reason: FlashReason;

  constructor(reason: FlashReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export function badImage(message: string, options?: ErrorOptions): FlashError {
  return new FlashError('bad-image', message, options);
}
