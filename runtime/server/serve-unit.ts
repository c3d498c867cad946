// The unit that `hearth serve --print-unit` prints, from what was typed and what is in HEARTH_*.
// systemd starts in another folder and as another user, so paths become absolute and keys a
// credential.
import { freemem, totalmem } from 'node:os';
import path from 'node:path';
import { systemdUnit } from '../systemd/unit.js';
import { SHUTDOWN_MS } from './limits.js';

export type UnitSettings = {
  modelPaths: string[];
  /** Null for none, undefined for the default. */
  logPath: string | null | undefined;
  socketPath: string | undefined;
  keyFilePath: string | undefined;
  deadlineMs: number | undefined;
  /** As typed after `hearth serve`. */
  args: string[];
  env: NodeJS.ProcessEnv;
};

/** Options by whether a value follows. Keys would be seen by ps; the unit has other ways for them. */
const LEFT_OUT = new Map([
  ['print-unit', false],
  ['api-key', true],
  ['api-key-file', true],
]);
const PATHS = new Set(['config', 'log', 'socket', 'model', 'models', 'draft']);
const NOT_IN_UNIT = new Set(['HEARTH_API_KEY', 'HEARTH_API_KEY_FILE', 'HEARTH_PRINT_UNIT']);
/** The rest is the system's own. */
const MEMORY_SHARE = 0.9;

export function serveUnit({ modelPaths, args, env, ...settings }: UnitSettings): string {
  const { logPath, socketPath, keyFilePath, deadlineMs = SHUTDOWN_MS } = settings;
  return systemdUnit({
    nodePath: process.execPath,
    cliPath: process.argv[1] ?? 'hearth',
    args: unitArguments(args, modelPaths),
    environment: unitEnvironment(env),
    modelPaths,
    keyFilePath: keyFilePath === undefined ? null : path.resolve(keyFilePath),
    writablePaths: [logPath, socketPath].flatMap((file) => (file ? path.dirname(file) : [])),
    stopMs: deadlineMs,
    memoryMax: `${Math.floor(Math.max(totalmem() * MEMORY_SHARE, totalmem() - freemem()))}`,
  });
}

function unitArguments(given: string[], modelPaths: string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < given.length; i++) {
    const argument = given[i] ?? '';
    const [, typed = '', inline] = /^--([\w-]+)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    const name = kebab(typed);
    if (LEFT_OUT.has(name)) {
      if (LEFT_OUT.get(name) && inline === undefined) i++;
    } else if (PATHS.has(name)) kept.push(`--${name}`, path.resolve(inline ?? given[++i] ?? ''));
    else {
      const file = path.resolve(argument);
      kept.push(modelPaths.includes(file) ? file : argument);
    }
  }
  return kept;
}

/** yargs takes `--apiKey` for `--api-key`. */
function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function unitEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = Object.keys(env).filter(
    (name) => name.startsWith('HEARTH_') && !NOT_IN_UNIT.has(name),
  );
  return Object.fromEntries(
    names.sort().map((name) => {
      const value = env[name] ?? '';
      const isPath = PATHS.has(name.slice('HEARTH_'.length).toLowerCase()) && value !== 'false';
      return [name, isPath ? path.resolve(value) : value];
    }),
  );
}
