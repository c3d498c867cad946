// What is mounted and what is swapped to, from /proc, for this process and for the first one.
// A container sees less than its host, so both are read where they can be.
import path from 'node:path';
import { readAttribute, type SystemView } from './system-view.js';

export type Mount = {
  /** Of the file system's device; an anonymous `0:N` where it has none or several. */
  id: string;
  mountPoint: string;
  source: string;
  fsType: string;
  options: string;
};

/** In the order in which they were mounted. */
export function readMounts({ procPath }: SystemView): Mount[] {
  const texts = ['self', '1'].map((process) =>
    readAttribute(path.join(procPath, process, 'mountinfo')),
  );
  const lines = texts.flatMap((text) => text?.split('\n') ?? []);
  return [...new Set(lines)].flatMap((line) => parseMount(line) ?? []);
}

/** Paths of devices and files. */
export function readSwaps({ procPath }: SystemView): string[] {
  const [, ...lines] = (readAttribute(path.join(procPath, 'swaps')) ?? '').split('\n');
  return lines.flatMap((line) => unescapeOctal(line.split(/\s+/)[0] ?? '') || []);
}

/** The last mounted of those that `file`, an absolute path without symlinks, lies below. */
export function mountOf(file: string, mounts: Mount[]): Mount | undefined {
  const isAbove = ({ mountPoint }: Mount) =>
    file === mountPoint || file.startsWith(mountPoint === '/' ? '/' : `${mountPoint}/`);
  const above = mounts.filter(isAbove);
  const longest = Math.max(...above.map(({ mountPoint }) => mountPoint.length));
  return above.findLast(({ mountPoint }) => mountPoint.length === longest);
}

/** proc(5): id parent major:minor root mount-point options optional… - type source super-options. */
function parseMount(line: string): Mount | null {
  const [left = '', right = ''] = line.split(' - ');
  const [, , id, , mountPoint] = left.split(' ');
  const [fsType, source, options] = right.split(' ');
  if (!id || !mountPoint || !fsType || source === undefined) return null;
  return {
    id,
    mountPoint: unescapeOctal(mountPoint),
    source: unescapeOctal(source),
    fsType,
    options: unescapeOctal(options ?? ''),
  };
}

/** Spaces and their like are octal. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}
