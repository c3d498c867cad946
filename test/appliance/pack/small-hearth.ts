// An installation of hearth that is small enough to be packed in no time, and a registry of its own.
// Its dependencies are as deep and as native as the real ones.
// The program that stands for Node runs the one that runs the tests.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { BundleTarget } from '../../../appliance/manifest.js';
import type { PackRequest } from '../../../appliance/pack/pack.js';
import type { FetchPackage } from '../../../appliance/payload/npm-package.js';
import {
  ARCHITECTURES,
  NODE_VERSION,
  PINNED_PACKAGES,
} from '../../../appliance/payload/pinned-packages.js';
import { tinyGguf } from '../../support/tiny-gguf.js';

export type SmallHearth = { folder: string; request: PackRequest; output: string };

export function smallHearth(t: Test, target: BundleTarget = 'linux-arm64'): SmallHearth {
  // Not below this checkout, whose packages would be found.
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-pack-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const root = path.join(folder, 'hearth');
  writeTree(root, appTree(target));
  writeTree(path.join(folder, 'cache/hearth/built'), {
    [`better-sqlite3-1.0.0-node-${NODE_VERSION}-${target}/better_sqlite3.node`]: addonOf(target),
  });
  process.env['XDG_CACHE_HOME'] = path.join(folder, 'cache');
  const model = path.join(folder, 'chat.gguf');
  writeFileSync(model, tinyGguf({ metadata: {}, tensors: [] }));
  const output = path.join(folder, 'bundle.tar.zst');
  return {
    folder,
    output,
    request: { model, target, output, root, fetch: registry(folder), zstdLevel: 1 },
  };
}

/** Files by path; a value is the content. */
export function writeTree(folder: string, files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** What is looked at of a library that was built for a processor. */
export function addonOf(target: BundleTarget): Buffer {
  const elf = Buffer.alloc(128);
  elf.writeUInt16LE(ARCHITECTURES[target].elfMachine, 18);
  return elf;
}

function appTree(target: BundleTarget): Record<string, string> {
  const { koffi, llama } = PINNED_PACKAGES[target];
  const natives = [koffi, llama].map(({ name, version }) => [name, version]);
  return {
    'package.json': manifest('hearth', {
      dependencies: { 'better-sqlite3': '*', koffi: '*', a: '*' },
    }),
    LICENSE: 'MIT',
    'dist/cli.js': 'console.log(process.argv.slice(2).join(" "))',
    'dist/cli.js.map': '{}',
    'dist/cli.d.ts': 'export {}',
    'dist/test/a.test.js': '',
    'dist/bench/development/a.js': '',
    'node_modules/better-sqlite3/package.json': manifest('better-sqlite3', {}),
    'node_modules/better-sqlite3/lib/index.js': '',
    'node_modules/better-sqlite3/deps/sqlite3.c': 'long',
    'node_modules/better-sqlite3/build/Release/better_sqlite3.node': 'of this machine',
    'node_modules/koffi/package.json': manifest('koffi', {
      optionalDependencies: { ...Object.fromEntries(natives), '@koromix/koffi-win32-x64': '1.0.0' },
    }),
    'node_modules/koffi/src/koffi/index.js': '',
    'node_modules/a/package.json': manifest('a', { dependencies: { b: '*' } }),
    'node_modules/a/index.js': '1',
    'node_modules/a/node_modules/b/package.json': manifest('b', { dependencies: { c: '*' } }),
    'node_modules/b/package.json': manifest('b', {}),
    'node_modules/c/package.json': manifest('c', { devDependencies: { d: '*' } }),
    'node_modules/d/package.json': manifest('d', {}),
  };
}

function manifest(name: string, fields: object): string {
  return JSON.stringify({ name, version: '1.0.0', type: 'module', ...fields });
}

function registry(folder: string): FetchPackage {
  return async ({ name }) => {
    const at = path.join(folder, 'registry', name);
    writeTree(at, {
      LICENSE: 'MIT',
      'package.json': manifest(name, {}),
      'bin/node': `#!/bin/sh\nexec ${process.execPath} "$@"\n`,
    });
    chmodSync(path.join(at, 'bin/node'), 0o755);
    return at;
  };
}

export function unpackBundle(bundle: string, folder: string): string {
  mkdirSync(folder);
  execFileSync('tar', ['--zstd', '-xf', bundle, '-C', folder]);
  return path.join(folder, 'hearth-bundle');
}
