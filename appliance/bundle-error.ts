// The error of making and of checking a bundle.
// The message says which file, what was found and what to do.

/** Thrown where a bundle cannot be made, or is not what it should be. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code = 'HEARTH_BUNDLE';
}
