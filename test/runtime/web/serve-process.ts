// hearth serve as a person starts it, for the tests that need the whole program behind the page.
// The model is the small appliance model; the log is a file that the test may read or fill.
// It asserts nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { cli } from '../../support/hearth.js';

export type ServeProcess = { url: string; logPath: string; child: ChildProcess };

/** 512 tokens take this model less time on a quick machine than a browser needs for a click; these take half a minute. */
export const contextTokens = 8192;

type Test = { testdir(): string; teardown(run: () => void): void };

/** `url` ends in a slash. Killed when the test ends. */
export async function startServe(test: Test): Promise<ServeProcess> {
  const folder = test.testdir();
  const logPath = path.join(folder, 'log.db');
  const model = await applianceGguf(folder);
  const settings = ['--gpu', 'off', '--ctx', `${contextTokens}`, '--threads', '1'];
  const child = spawn(
    process.execPath,
    [cli, 'serve', model, '--port', '0', '--log', logPath, ...settings, '--parallel', '2'],
    { env: { ...process.env, XDG_STATE_HOME: folder }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  test.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += chunk;
    const url = /ready on (\S+)/.exec(said)?.[1];
    if (url) return { url: `${url}/`, logPath, child };
  }
  throw new Error(`hearth serve ended: ${said}`);
}
