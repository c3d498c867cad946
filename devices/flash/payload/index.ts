export { cacheFolder, type FetchPackage } from './npm-package.js';
export {
  PAYLOAD_CLI,
  PAYLOAD_NODE,
  type Payload,
  type PayloadFile,
  type PayloadOptions,
  payload,
} from './payload.js';
export { NODE_VERSION } from './pinned-packages.js';
export { PAYLOAD_TARGETS, PayloadError, type PayloadTarget } from './target.js';
