// Starts the machine again once nobody is being answered, so that an installed update takes over.
// hearth's own metrics say how many requests have no end yet.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SETTINGS_FOLDER } from '../image/initramfs.js';

const run = promisify(execFile);

const LOOK_EVERY_MS = 5_000;
/** Longer than between two questions of one who reads the answers. */
const IDLE_MS = 60_000;

export type IdleOptions = {
  url: string;
  apiKey: string | null;
  lookEveryMs?: number;
  idleMs?: number;
  signal?: AbortSignal;
};

/** Resolves when nothing was under way for a while. A server that does not answer answers nobody. */
export async function untilIdle(options: IdleOptions): Promise<void> {
  const { lookEveryMs = LOOK_EVERY_MS, idleMs = IDLE_MS, signal } = options;
  for (let idleSince = performance.now(); performance.now() - idleSince < idleMs; ) {
    await sleep(lookEveryMs, undefined, { ...(signal && { signal }) });
    if ((await underWay(options)) > 0) idleSince = performance.now();
  }
}

async function underWay({ url, apiKey, signal }: IdleOptions): Promise<number> {
  const headers: Record<string, string> =
    apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${url}/metrics`, { headers, ...(signal && { signal }) }).catch(
    () => null,
  );
  const text = response?.ok ? await response.text() : '';
  return Number(/^hearth_requests_under_way (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** How the server of this device is asked. */
export async function serverOfDevice(): Promise<Pick<IdleOptions, 'url' | 'apiKey'>> {
  const read = async (name: string) =>
    await readFile(`${SETTINGS_FOLDER}/${name}`, 'utf8').catch(() => '');
  const [, port = '8080'] = /^PORT=(\d+)$/m.exec(await read('device')) ?? [];
  const [apiKey = ''] = (await read('keys')).split('\n');
  return { url: `http://127.0.0.1:${port}`, apiKey: apiKey || null };
}

export async function restartMachine(): Promise<void> {
  await run('systemctl', ['reboot']);
}
