// Bundles: everything that a device needs, in one file, and whether one is whole.
export { BundleError } from '../bundle-error.js';
export type { BundleUnitInputs } from './layout.js';
export { type PackedBundle, type PackRequest, pack } from './pack.js';
export { type VerifiedBundle, type VerifyRequest, verifyBundle } from './verify.js';
