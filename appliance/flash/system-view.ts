// Where the kernel's view of devices and mounts is read: /sys and /proc, or a test's copy of them.
// Reads are synchronous, as these files are memory, and a missing attribute is an answer.
import { readdirSync, readFileSync, realpathSync } from 'node:fs';

export type SystemView = { sysPath: string; procPath: string };

export const THIS_SYSTEM: SystemView = { sysPath: '/sys', procPath: '/proc' };

/** Without the newline; null where there is no such file, or the device has just gone. */
export function readAttribute(file: string): string | null {
  return orNull(() => readFileSync(file, 'utf8').trim());
}

/** Empty where there is no such folder. */
export function listFolder(folder: string): string[] {
  return orNull(() => readdirSync(folder).sort()) ?? [];
}

/** With no symlink left in it; null where it leads nowhere. */
export function realPath(file: string): string | null {
  return orNull(() => realpathSync(file));
}

export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
