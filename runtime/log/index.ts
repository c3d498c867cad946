export { type AnswerLog, type LogOptions, openLog } from './answer-log.js';
export { parseKeep } from './keep.js';
export { LogError, LogQueryError } from './log-error.js';
export { defaultLogPath } from './log-path.js';
export {
  type AnswerFilter,
  DEFAULT_LIMIT,
  type LogReader,
  openLogReader,
  type SeriesOptions,
} from './log-reader.js';
export {
  type FieldKind,
  MEASUREMENT_FIELDS,
  type MeasurementField,
  type MeasurementRow,
} from './measurement-fields.js';
export { hashModelFile } from './model-hash.js';
export { SUMMARY_GROUPS, type SummaryBy } from './queries-sql.js';
export type { AnswerRow, QueryRow } from './read-rows.js';
export type {
  MachineRow,
  MemoryParts,
  ModelRow,
  RequestRow,
  RowError,
  RunEnd,
  RunRow,
  SampleRow,
} from './rows.js';
export { parseSince } from './since.js';
export type { ErrorRow, SampleSeriesRow, SeriesRow, SummaryRow } from './summary-rows.js';
