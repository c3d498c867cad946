// What goes wrong between hearth and its log, in words that say what to do about it.
// SQLite's result codes are the facts; one place turns them into sentences.
import Database from 'better-sqlite3';

export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code = 'HEARTH_LOG';
}

/** A time, a retention, a condition or a query that cannot be understood. */
export class LogQueryError extends Error {
  override readonly name = 'LogQueryError';
  readonly code = 'HEARTH_LOG_QUERY';
}

const ADVICE: [code: string, advice: string][] = [
  ['SQLITE_NOTADB', 'is not an SQLite database; move it aside or name another file with --log'],
  [
    'SQLITE_CORRUPT',
    'is damaged; move it aside and a new one is made (sqlite3 FILE .recover saves its rows)',
  ],
  ['SQLITE_BUSY', 'is locked by another program; close that, or name another file with --log'],
  ['SQLITE_READONLY', 'is read-only; make it writable or name another file with --log'],
  ['SQLITE_FULL', 'is on a full disk; free some space, or keep less with --log-keep'],
  ['SQLITE_CANTOPEN', 'cannot be opened; check that its folder exists and may be written'],
  ['SQLITE_IOERR', 'is on a disk that fails to read or write'],
  ['EACCES', 'is in a folder that may not be written; name another file with --log'],
  ['ENOENT', 'is in a folder that cannot be made; name another file with --log'],
  ['ENOTDIR', 'is in a folder that cannot be made; name another file with --log'],
  ['EROFS', 'is on a read-only file system; name another file with --log'],
  ['ENOSPC', 'is on a full disk; free some space, or name another file with --log'],
];

/** Its install script takes a prebuilt program from GitHub's releases, and builds one otherwise. */
const NOT_BUILT =
  'better-sqlite3, which writes the log, has no program for this machine: where github.com cannot be reached npm builds it, which takes python3, make and g++; install them, then run npm rebuild better-sqlite3';

/** `error` as a {@link LogError} that names the file and says what to do. */
export function toLogError(path: string, error: unknown): LogError {
  if (error instanceof LogError) return error;
  const code = codeOf(error);
  if (isNotBuilt(error)) return new LogError(NOT_BUILT, { cause: error });
  const advice = ADVICE.find(([prefix]) => code.startsWith(prefix))?.[1];
  const message = error instanceof Error ? error.message : String(error);
  return new LogError(`the log ${path} ${advice ?? 'failed'} (${message})`, { cause: error });
}

/** Whether writing the same row again can never succeed: the row is at fault, not the disk. */
export function isRowAtFault(error: unknown): boolean {
  if (error instanceof LogError) return false;
  if (!(error instanceof Database.SqliteError)) return true;
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE|ERROR)/.test(error.code);
}

/** No file of `bindings` is there, or it was built for another Node or another system. */
function isNotBuilt(error: unknown): boolean {
  const isMissing =
    error instanceof Error && /Could not locate the bindings file/.test(error.message);
  return isMissing || codeOf(error) === 'ERR_DLOPEN_FAILED';
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}
