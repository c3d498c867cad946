// Files of a system or of its settings as plain data: what goes where, before anything is written.
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

export type SystemFile =
  | { kind: 'file'; path: string; mode: number; text: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'folder'; path: string };

export function file(path: string, text: string, mode = 0o644): SystemFile {
  return { kind: 'file', path, mode, text };
}

export function link(path: string, target: string): SystemFile {
  return { kind: 'link', path, target };
}

export function folder(path: string): SystemFile {
  return { kind: 'folder', path };
}

export function lines(all: string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

/** Writes them below `root`, which may have some of their folders already. */
export async function writeSystemFiles(root: string, files: readonly SystemFile[]): Promise<void> {
  for (const entry of files) {
    const name = path.join(root, entry.path);
    await mkdir(entry.kind === 'folder' ? name : path.dirname(name), { recursive: true });
    if (entry.kind === 'link') await symlink(entry.target, name);
    if (entry.kind !== 'file') continue;
    await writeFile(name, entry.text);
    await chmod(name, entry.mode);
  }
}
