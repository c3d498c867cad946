export {
  PAYLOAD_CLI,
  PAYLOAD_NODE,
  type Payload,
  type PayloadFile,
  type PayloadOptions,
  payload,
} from './payload.js';
export { NODE_VERSION } from './pinned-packages.js';
export { cacheFolder, type FetchOptions } from './registry-package.js';
export { PAYLOAD_TARGETS, PayloadError, type PayloadTarget } from './target.js';
