// The container as an operator has it: built by podman, without any right, on a root that cannot be
// written; its health, its one volume, and its end by SIGTERM in the middle of an answer.
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bench/development/free-port.js';
import { formatDisk } from '../../terminal/units.js';
import { applianceGguf } from '../support/appliance-gguf.js';
import { packageRoot } from '../support/samples.js';
import { type DeploySetting, output } from './setting.js';

const MAX_IMAGE_BYTES = 350e6;
const USER = '10001';
/** Emulated, loading takes minutes. */
const HEALTHY_MS = 15 * 60_000;
const KEY = randomBytes(8).toString('hex');

export async function checkContainer(setting: DeploySetting): Promise<void> {
  const { folder, check } = setting;
  const image = setting.image ?? (await build(setting));
  await checkImage(image, setting);
  const models = path.join(folder, 'models');
  await mkdir(models);
  await copyFile(await applianceGguf(folder), path.join(models, 'model.gguf'));
  await chmod(models, 0o755);
  const options = { image, models, volume: `hearth-test-${process.pid}`, port: await freePort() };
  try {
    await firstRun(options, setting);
    await secondRun(options, check);
  } finally {
    await podman('volume', 'rm', '--force', options.volume);
  }
}

async function podman(...words: string[]): Promise<string> {
  return (await output(['podman', ...words], 'podman')).trim();
}

/** By the command that the script prints, as its users run it. */
async function build({
  architecture,
  buildImage,
  baseImage,
  check,
}: DeploySetting): Promise<string> {
  const image = `localhost/hearth-test:${architecture}`;
  const platform = `linux/${architecture === 'x64' ? 'amd64' : architecture}`;
  const script = path.join(packageRoot, 'scripts/make-debian-images.mjs');
  const given = [
    ...(buildImage === undefined ? [] : ['--build-arg', `BUILD_IMAGE=${buildImage}`]),
    ...(baseImage === undefined ? [] : ['--build-arg', `BASE_IMAGE=${baseImage}`]),
  ];
  const command =
    given.length > 0
      ? `podman build --format docker --platform ${platform} ${given.join(' ')} -t hearth .`
      : await output([process.execPath, script, architecture], 'nodejs');
  const words = command.trim().replace('-t hearth', `--network host -t ${image}`).split(' ');
  await output(words, 'podman', packageRoot);
  check(true, `built: ${command.trim()}`);
  return image;
}

type Image = {
  Size: number;
  Architecture: string;
  /** Of podman, which has it beside the configuration, where Docker has it within. */
  Healthcheck?: object;
  Config: { User: string; Volumes: Record<string, object> };
};

async function checkImage(image: string, { check, architecture }: DeploySetting): Promise<void> {
  const [found] = JSON.parse(await podman('image', 'inspect', image)) as [Image];
  const { Size, Architecture, Config, Healthcheck } = found;
  check(Size <= MAX_IMAGE_BYTES, `image without model: ${formatDisk(Size)}`);
  check(Architecture === (architecture === 'x64' ? 'amd64' : architecture), `for ${Architecture}`);
  check(Config.User === `${USER}:${USER}`, `its user is ${Config.User}`);
  check(`${Object.keys(Config.Volumes)}` === '/data', 'its one volume is /data');
  check(Healthcheck !== undefined, 'it has a health check');
}

type Options = { image: string; models: string; volume: string; port: number };

async function firstRun(options: Options, { check }: DeploySetting): Promise<void> {
  await using container = await Container.start(options);
  check(true, `health check green after ${(await container.untilHealthy()).toFixed(0)} s`);
  const users = await container.shell('stat -c %u /proc/[0-9]*');
  check(
    new Set(users.split('\n')).size === 1 && users.startsWith(USER),
    `all processes are ${USER}'s`,
  );
  const status = await container.shell('cat /proc/1/status; grep " / " /proc/mounts');
  check(/^CapEff:\s+0+$/m.test(status), 'no capability');
  check(/^NoNewPrivs:\s+1$/m.test(status), 'no new privileges');
  check(/^\S+ \/ \S+ ro,/m.test(status), 'the root is mounted read-only');
  check((await container.ask({}, 'another')).status === 401, 'the API asks for its key');
  const answer = await container.ask({ max_tokens: 8 });
  check(answer.status === 200, `an answer: ${answer.status}`);
  const engine =
    'pid=$(grep -la "[c]hild/main.js" /proc/[0-9]*/cmdline | cut -d/ -f3); kill -STOP $pid';
  await container.shell(engine);
  check(await container.turnsRed(), 'health check red while the engine hangs');
  await container.untilHealthy();
  await endsInOrder(container, check);
}

/** The answer under way when SIGTERM comes is finished. */
async function endsInOrder(container: Container, check: DeploySetting['check']): Promise<void> {
  const response = await container.ask({
    stream: true,
    max_tokens: 400,
    grammar: 'root ::= "a" root',
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  let text = Buffer.from(value ?? []).toString();
  const stopped = container.stop();
  for (let next = await reader.read(); !next.done; next = await reader.read())
    text += Buffer.from(next.value).toString();
  const code = await stopped;
  check(/"finish_reason":"length"[\s\S]*\[DONE\]/.test(text), 'SIGTERM lets the answer finish');
  check(code === 0, `and ends with ${code}`);
}

async function secondRun(options: Options, check: DeploySetting['check']): Promise<void> {
  await using container = await Container.start(options);
  await container.untilHealthy();
  const log = await container.shell('node /opt/hearth/dist/cli.js log --json --log /data/log.db');
  const rows = log.split('\n').filter((line) => line.includes('"/v1/chat/completions"'));
  check(rows.length === 2, `the volume kept the ${rows.length} answers`);
}

class Container implements AsyncDisposable {
  readonly #name: string;
  readonly #url: string;

  private constructor(name: string, port: number) {
    this.#name = name;
    this.#url = `http://127.0.0.1:${port}`;
  }

  /** Without any right that Containerfile does not ask for. */
  static async start({ image, models, volume, port }: Options): Promise<Container> {
    const name = `hearth-test-${process.pid}`;
    const rights = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'all'];
    await podman(
      ...['run', '--detach', '--name', name, '--network', 'host', ...rights],
      ...['--security-opt', 'no-new-privileges', '--stop-timeout', '40'],
      // podman's own limits are higher than a container that this runs in may set.
      ...['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096'],
      ...['--volume', `${volume}:/data`, '--volume', `${models}:/models:ro`],
      ...['--env', `HEARTH_API_KEY=${KEY}`, '--env', `HEARTH_PORT=${port}`, image],
    );
    return new Container(name, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await podman('rm', '--force', '--time', '0', this.#name);
  }

  /** Stdout of a command inside. */
  shell(command: string): Promise<string> {
    return podman('exec', this.#name, 'sh', '-c', command);
  }

  /** Resolves with the seconds it took. */
  async untilHealthy(): Promise<number> {
    const startMs = performance.now();
    while (!(await this.#isHealthy())) {
      if (performance.now() - startMs > HEALTHY_MS)
        throw new Error(`not healthy: ${await podman('logs', this.#name)}`);
      await sleep(1000);
    }
    return (performance.now() - startMs) / 1000;
  }

  /** A token of ten seconds ago still speaks for the engine. */
  async turnsRed(): Promise<boolean> {
    for (let check = 0; check < 30; check++) {
      if (!(await this.#isHealthy())) return true;
      await sleep(1000);
    }
    return false;
  }

  #isHealthy(): Promise<boolean> {
    return podman('healthcheck', 'run', this.#name).then(
      () => true,
      () => false,
    );
  }

  ask(more: object, key = KEY): Promise<Response> {
    return fetch(`${this.#url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], ...more }),
    });
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number> {
    await podman('stop', this.#name);
    return Number(await podman('inspect', '--format', '{{.State.ExitCode}}', this.#name));
  }
}
