export { type Notifier, NotifyError, openNotifier } from './notify.js';
export { systemdUnit } from './unit.js';
