// Fitting: whether a model fits a device, how it would, and what to change where it does not.
export { type Advice, advise, type Change, type TypedModel } from './advice.js';
export { budgetDevice } from './budget-device.js';
export type { Fit, FitRequest, FitVerdict } from './contract.js';
export { adviceJson, fitJson } from './fit-json.js';
export { changeText, fitTable, fitText, verdictText } from './fit-report.js';
export { type Fitter, openFitter } from './fitter.js';
