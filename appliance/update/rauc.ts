// RAUC as it runs on a device: what a bundle says of itself, and installing it.
// It checks signature, format and blocks itself; here its words become one error, and its percentages
// progress. Of a bundle that it did not verify, nothing is believed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseJson } from '../../terminal/parse-json.js';
import { checkedRelease } from './release.js';
import { UpdateError } from './update-error.js';

export type BundleInfo = { compatible: string; release: string };

type OnProgress = (percent: number, step: string) => void;

type AccessOptions = {
  /** of requests for it; those who may list this device's processes see them */
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
};

/** Of a file or an URL, whose signature it checks. Rejects with {@link UpdateError}. */
export async function inspectBundle(
  source: string,
  { configFile, headers, signal }: AccessOptions & { configFile: string },
): Promise<BundleInfo> {
  const words = [`--conf=${configFile}`, 'info', '--output-format=json', ...said(headers), source];
  const lines = await rauc(words, { source, signal });
  const info = lines.findLast((line) => line.startsWith('{')) ?? 'null';
  const { compatible, version } = (parseJson(info) ?? {}) as Record<string, unknown>;
  if (typeof compatible !== 'string' || typeof version !== 'string')
    throw new UpdateError(`${source} says neither what it is for nor its version`);
  return { compatible, release: checkedRelease(version) };
}

/** Into the slots that do not run. Rejects with {@link UpdateError}; the running ones stay as they are. */
export async function installBundle(
  source: string,
  { headers, signal, onProgress = () => {} }: AccessOptions & { onProgress?: OnProgress },
): Promise<void> {
  const onLine = (line: string) => {
    const [, percent, step] = /^\s*(\d+)% (.*?)\.?$/.exec(line) ?? [];
    if (percent !== undefined && step !== undefined) onProgress(Number(percent), step);
  };
  await rauc(['install', ...said(headers), source], { source, signal, onLine });
}

function said(headers: Record<string, string> = {}): string[] {
  return Object.entries(headers).map(([name, value]) => `--http-header=${name}: ${value}`);
}

type RaucOptions = {
  source: string;
  signal?: AbortSignal | undefined;
  onLine?: (line: string) => void;
};

/** What it said on stdout, line by line. */
async function rauc(
  words: string[],
  { source, signal, onLine = () => {} }: RaucOptions,
): Promise<string[]> {
  const child = spawn('rauc', words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    ...(signal && { signal }),
  });
  const said: string[] = [];
  const complaints: string[] = [];
  const read = async (stream: Readable, lines: string[]) => {
    for await (const line of createInterface({ input: stream })) {
      lines.push(line);
      onLine(line);
    }
  };
  const reading = [read(child.stdout, said), read(child.stderr, complaints)];
  const [status] = await once(child, 'close').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new UpdateError('RAUC is not here; hearth update is for devices of hearth image');
  });
  await Promise.all(reading);
  if (status !== 0)
    throw new UpdateError(`${source} was refused: ${reasonIn([...said, ...complaints])}`);
  return said;
}

/** RAUC's last error, else its last words. */
function reasonIn(lines: string[]): string {
  const error = lines.findLast((line) => line.startsWith('LastError: '));
  return (error?.slice('LastError: '.length) ?? lines.at(-1) ?? 'it gave no reason').trim();
}
