// hearth serve as a person starts it, for the tests that need the whole program behind the page.
// The model is the small appliance model; the log is a file that the test may read or fill.
// It asserts nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { cli } from '../../support/hearth.js';

export type ServeProcess = { url: string; logPath: string; child: ChildProcess };

type Test = { testdir(): string; teardown(run: () => void): void };

/** `url` ends in a slash. Killed when the test ends. */
export async function startServe(test: Test, args: string[] = []): Promise<ServeProcess> {
  const folder = test.testdir();
  const logPath = path.join(folder, 'log.db');
  const model = await applianceGguf(folder);
  const settings = ['--gpu', 'off', '--ctx', '512', '--threads', '1', '--parallel', '2'];
  const child = spawn(
    process.execPath,
    [cli, 'serve', model, '--port', '0', '--log', logPath, ...settings, ...args],
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
