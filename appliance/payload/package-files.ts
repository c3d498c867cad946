// The files of a package that count when it runs: code and data, not types, sources and papers.
// Licences stay, as their authors ask. What is left out is listed here and nowhere else.
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Never loaded when hearth runs, in any package. */
const NOT_RUN =
  /\.(d\.[cm]?ts|[cm]?ts|tsx|map|md|markdown|tsbuildinfo|flow|c|cc|cpp|h|hh|hpp|s|asm|gypi?)$/i;
const LICENCE = /^(licen[cs]e|copying|notice)/i;

/** Folders and files of single packages that only their building needs. */
const NOT_RUN_OF: Record<string, string[]> = {
  'better-sqlite3': ['build', 'deps', 'src', 'binding.gyp'],
  koffi: ['doc', 'vendor'],
  'node-llama-cpp':
    'bins templates llama/addon llama/cmake llama/gitRelease.bundle llama/patches llama/profiles llama/toolchains llama/xpack'.split(
      ' ',
    ),
  'node-addon-api': ['.'],
  '@huggingface/tasks': ['src'],
};

/** Paths of a package's files below its `folder`, sorted; packages nested in it are packages of their own. */
export function packageFiles(name: string, folder: string): string[] {
  const left = NOT_RUN_OF[name] ?? [];
  if (left.includes('.')) return ['package.json'];
  return filesBelow(
    folder,
    (file) => left.includes(file) || path.basename(file) === 'node_modules',
  );
}

/** Sorted by bytes, so that every machine has the same order. `isLeftOut` is asked for folders as well. */
export function filesBelow(folder: string, isLeftOut: (file: string) => boolean): string[] {
  const found: string[] = [];
  const visit = (below: string) => {
    for (const entry of readdirSync(path.join(folder, below), { withFileTypes: true })) {
      const file = path.join(below, entry.name);
      if (isLeftOut(file)) continue;
      if (entry.isDirectory()) visit(file);
      else if (entry.isFile() && (LICENCE.test(entry.name) || !NOT_RUN.test(entry.name)))
        found.push(file);
    }
  };
  visit('');
  return found.sort((a, b) => (a < b ? -1 : 1));
}
