export { cacheFolder, type FetchPackage } from './npm-package.js';
export {
  PAYLOAD_CLI,
  PAYLOAD_NODE,
  type Payload,
  type PayloadFile,
  type PayloadOptions,
  payload,
} from './payload.js';
export { PayloadError } from './target.js';
