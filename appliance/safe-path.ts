// Whether a name from a manifest or an archive may be used below a folder of ours.
// Stricter than any file system, so that no way of writing "outside" has to be thought of twice.

/** Linux allows no longer path. */
const MAX_PATH_BYTES = 4095;
const MAX_NAME_BYTES = 255;

/** Why `path` must not be used below a folder, to follow the path in a sentence; null if it may. */
export function unsafePathReason(path: string): string | null {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute';
  if (path.includes('\\')) return 'has a backslash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'has a control character';
  if (Buffer.from(path).toString() !== path) return 'is not Unicode text';
  const names = path.split('/');
  if (names.includes('..')) return 'leads out of its folder';
  if (names.some((name) => name === '' || name === '.')) return 'is not written the shortest way';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'is too long';
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) return 'is too long';
  return null;
}
