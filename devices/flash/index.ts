export { BLOCK_BYTES, type ByteRange, type ImageSurvey, surveyImage } from './block-map.js';
export {
  type BlockMap,
  type BlockRange,
  BUNDLE_TARGETS,
  type BundleFile,
  type BundleManifest,
  type BundleTarget,
  IMAGE_TARGETS,
  type ImageManifest,
  type ImageTarget,
  type ListedFile,
  MANIFEST_SUFFIX,
  ManifestError,
  manifestText,
  parseBundleManifest,
  parseImageManifest,
} from './manifest.js';
export { unsafePathReason } from './safe-path.js';
export {
  checkSignature,
  readPublicKey,
  readSigningKey,
  SIGNATURE_SUFFIX,
  SignatureError,
  type SigningKey,
  signText,
} from './signature.js';
export * from './write/index.js';
