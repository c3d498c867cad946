// A folder in place of a device, for the scripts of its system: they run as they are, but for the folders
// in which they look, which are in this one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type t from 'tap';
import { packageRoot } from '../../support/samples.js';

/** Where the scripts look, which is on the device. */
const FOLDERS = /\/(data|proc|run|sys|usr\/bin|usr\/lib\/hearth|var\/lib)\//g;

type Device = {
  /** lines of a shell's `case`: what the loader's handler answers */
  boot?: string;
  files?: Record<string, string>;
  /** more programs */
  programs?: Record<string, string>;
};

/** Programs of `programs` come before the machine's own. */
export function fakeDevice(
  test: Pick<typeof t, 'testdir'>,
  { boot = '', files = {}, programs = {} }: Device,
) {
  const root = test.testdir({ bin: {} });
  const at = (name: string) => path.join(root, name);
  const write = (name: string, text: string, mode = 0o644) => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text, { mode });
  };
  write('usr/lib/hearth/boot', `#!/bin/sh\necho "$@" >>${at('asked')}\n${boot}\n`, 0o755);
  for (const [name, line] of Object.entries(programs))
    write(`bin/${name}`, `#!/bin/sh\n${line}\n`, 0o755);
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    run: (script: string, words: string[] = [], more: Record<string, string> = {}) => {
      const source = path.join(packageRoot, 'appliance/image/root/usr/lib/hearth', script);
      const text = readFileSync(source, 'utf8').replace(FOLDERS, (_, name) => `${at(name)}/`);
      const env = { ...process.env, PATH: `${at('bin')}:${process.env['PATH']}`, ...more };
      return spawnSync('sh', ['-s', ...words], { input: text, env, encoding: 'utf8' });
    },
    read: (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null),
    at,
    write,
  };
}
