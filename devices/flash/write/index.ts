// Writing images to disks.

export type { Ejection } from './detach.js';
export {
  type FlashPlan,
  type FlashProgress,
  type FlashRequest,
  type FlashResult,
  type FlashStep,
  flash,
  planFlash,
} from './flash.js';
export { FlashError, type FlashReason } from './flash-error.js';
export { type RemovableDevice, removableDevices } from './removable-devices.js';
export { type SystemView, THIS_SYSTEM } from './system-view.js';
