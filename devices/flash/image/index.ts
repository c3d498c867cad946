export type { UnitInputs } from './build.js';
export { buildImage, DEFAULT_MIRROR, type ImageSummary } from './build-image.js';
export { HEARTH_FOLDER, KEY_FILE } from './config-files.js';
export { DEFAULT_PORT, readSettings } from './settings.js';
