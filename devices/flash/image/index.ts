export type { ImageOptions, UnitInputs } from './build.js';
export { buildImage, DEFAULT_MIRROR, type ImageSummary } from './build-image.js';
export { HEARTH_FOLDER, KEY_FILE } from './config-files.js';
export {
  DEFAULT_PORT,
  type DeviceSettings,
  readSettings,
  type SettingsFlags,
} from './settings.js';
export { ImageError } from './target.js';
