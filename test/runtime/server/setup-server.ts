// A server of a device that nobody has set up, in this process. Its model is never asked for, and not there.
// It asserts nothing.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type t from 'tap';
import { type ServerOptions, startServer } from '../../../runtime/server/server.js';

export type SetupServer = { url: string; file: string };

type Test = Pick<typeof t, 'teardown'>;

/** Closed when the test ends; `hasWifi`: whether Linux would list a card for it. */
export async function startSetupServer(
  test: Test,
  { hasWifi = false, ...more }: Partial<ServerOptions> & { hasWifi?: boolean } = {},
): Promise<SetupServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'hearth-setup-'));
  test.teardown(() => rm(folder, { recursive: true }));
  const [file, cardsFolder] = [path.join(folder, 'setup.json'), path.join(folder, 'cards')];
  const cards = ['lo', 'eth0', ...(hasWifi ? ['wlan0/phy80211'] : [])];
  for (const card of cards) await mkdir(path.join(cardsFolder, card), { recursive: true });
  const server = await startServer({
    models: [{ id: 'none', settings: { modelPath: path.join(folder, 'none.gguf') } }],
    log: null,
    hearthVersion: '0.0.0-test',
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    setup: { file, cardsFolder },
    ...more,
  });
  test.teardown(() => server.close());
  return { url: server.address, file };
}
