// goosebit (https://pypi.org/project/goosebit/), a server of updates with hawkBit's interface for devices,
// in an environment of its own. It takes no device that it was not told of, nor one without its token.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../../bench/development/free-port.js';

const run = promisify(execFile);

const PACKAGE = 'goosebit==0.2.12';
const START_MS = 60_000;
/** What its documentation has aerich do. */
const CREATE_TABLES = `
from tortoise import Tortoise, run_async
from goosebit.db.config import TORTOISE_CONF
async def create():
    await Tortoise.init(config=TORTOISE_CONF)
    await Tortoise.generate_schemas()
run_async(create())
`;

/** As goosebit's interface for its pages has it. */
export type DeviceState = { id: string; last_state: string; sw_version: string | null };

export class Goosebit {
  readonly port: number;
  readonly #process: ChildProcess;
  #authorization = '';

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  static async start(folder: string): Promise<Goosebit> {
    const python = await pythonIn(path.join(folder, 'goosebit-environment'));
    const data = path.join(folder, 'goosebit');
    await rm(data, { recursive: true, force: true });
    await mkdir(data);
    const port = await freePort();
    const env = {
      ...process.env,
      GOOSEBIT_DB_URI: `sqlite:///${path.resolve(data)}/db.sqlite3`,
      GOOSEBIT_ARTIFACTS_DIR: path.resolve(data, 'artifacts'),
      ...{ GOOSEBIT_PORT: `${port}`, GOOSEBIT_DEVICE_AUTH__ENABLE: 'true' },
    };
    await run(python, ['-c', CREATE_TABLES], { env, cwd: data });
    const child = spawn(python, ['-m', 'goosebit'], { env, cwd: data, stdio: 'ignore' });
    const server = new Goosebit(child, port);
    process.once('exit', () => child.kill());
    await server.#signUp();
    return server;
  }

  async register(device: string, token: string): Promise<void> {
    await this.#send('PUT', 'devices', { devices: [device], auth_token: token });
  }

  async assign(device: string, bundle: string): Promise<void> {
    const form = new FormData();
    form.append('file', new Blob([await readFile(bundle)]), path.basename(bundle));
    const { id } = (await this.#send('PUT', 'software', form)) as { id: number };
    await this.#send('PATCH', 'devices', { devices: [device], software: `${id}` });
  }

  async stateOf(device: string): Promise<DeviceState | undefined> {
    const { devices } = (await this.#send('GET', 'devices')) as { devices: DeviceState[] };
    return devices.find(({ id }) => id === device);
  }

  stop(): void {
    this.#process.kill();
  }

  async #signUp(): Promise<void> {
    const body = new URLSearchParams({ username: 'test@example.org', password: 'test' });
    const ask = async () =>
      await fetch(`http://127.0.0.1:${this.port}/setup`, { method: 'POST', body }).catch(
        () => null,
      );
    for (const until = performance.now() + START_MS; ; await sleep(250)) {
      const response = await ask();
      if (response?.ok) {
        const { access_token: token } = (await response.json()) as { access_token: string };
        this.#authorization = `Bearer ${token}`;
        return;
      }
      if (performance.now() > until) throw new Error('goosebit did not start');
    }
  }

  async #send(method: string, name: string, body?: object): Promise<unknown> {
    const isForm = body instanceof FormData;
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/${name}`, {
      method,
      headers: {
        authorization: this.#authorization,
        ...(body && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`goosebit: ${response.status} ${await response.text()}`);
    return await response.json();
  }
}

async function pythonIn(folder: string): Promise<string> {
  const python = path.join(folder, 'bin/python');
  if (existsSync(python)) return python;
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', PACKAGE]);
  return python;
}
