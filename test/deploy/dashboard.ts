// The dashboard's queries, asked of a Prometheus that scrapes a hearth which answers: with the
// configuration in deploy/, but for the address, the key's file and how often.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../bench/development/free-port.js';
import { HearthProcess } from '../../bench/development/serve/hearth-process.js';
import { applianceGguf } from '../support/appliance-gguf.js';
import { packageRoot } from '../support/samples.js';
import { type DeploySetting, output } from './setting.js';

const KEY = 'a key of this test';
const SCRAPES = 12;
/** Of a GPU alone. */
const NOT_HERE = /hearth_device_memory_bytes/;

type Dashboard = { panels: { title: string; targets?: { expr: string }[] }[] };

export async function checkDashboard(setting: DeploySetting): Promise<void> {
  const { folder, check } = setting;
  const modelPath = await applianceGguf(folder);
  const load = { modelPath, threads: 1, nCtx: 512, parallel: 2, log: path.join(folder, 'log.db') };
  await using hearth = await HearthProcess.start({ ...load, env: { HEARTH_API_KEY: KEY } });
  const configuration = await writeConfiguration(folder, new URL(hearth.url).host);
  await output(['promtool', 'check', 'config', configuration], 'prometheus');
  check(true, 'promtool takes prometheus.yaml');
  using prometheus = await Prometheus.start(configuration, folder);
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    await ask(hearth.url);
    await sleep(1000, undefined, { signal: setting.signal });
  }
  const file = path.join(packageRoot, 'deploy/grafana/dashboards/hearth.json');
  const { panels } = JSON.parse(await readFile(file, 'utf8')) as Dashboard;
  for (const { title, targets = [] } of panels)
    for (const { expr } of targets) {
      const values = await prometheus.ask(expr);
      const isThere = values.length > 0 && values.every((value) => Number.isFinite(value));
      check(isThere || NOT_HERE.test(expr), `${title}: ${values.join(', ') || 'nothing'}: ${expr}`);
    }
}

async function writeConfiguration(folder: string, host: string): Promise<string> {
  const key = path.join(folder, 'hearth-key');
  await writeFile(key, `${KEY}\n`);
  const text = await readFile(path.join(packageRoot, 'deploy/prometheus/prometheus.yaml'), 'utf8');
  const file = path.join(folder, 'prometheus.yaml');
  const here = text
    .replace('hearth:8080', host)
    .replace('/run/secrets/hearth-key', key)
    .replace('15s', '1s');
  await writeFile(file, here);
  return file;
}

async function ask(url: string): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

class Prometheus implements Disposable {
  readonly #url: string;
  readonly #process: ChildProcess;

  private constructor(configuration: string, data: string, port: number) {
    this.#url = `http://127.0.0.1:${port}`;
    const words = [`--config.file=${configuration}`, `--storage.tsdb.path=${data}`];
    this.#process = spawn('prometheus', [...words, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    this.#process.on('error', () => {});
  }

  static async start(configuration: string, folder: string): Promise<Prometheus> {
    const data = path.join(folder, 'prometheus');
    await mkdir(data);
    const prometheus = new Prometheus(configuration, data, await freePort());
    for (let tries = 0; tries < 100; tries++) {
      const response = await fetch(`${prometheus.#url}/-/ready`).catch(() => null);
      if (response?.ok) return prometheus;
      await sleep(200);
    }
    prometheus[Symbol.dispose]();
    throw new Error('Prometheus does not start');
  }

  /** The values of all series; Grafana's variables are those of a view of the last minute. */
  async ask(expression: string): Promise<number[]> {
    const query = expression.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data, error } = (await response.json()) as {
      data?: { result: { value: [number, string] }[] };
      error?: string;
    };
    if (!data) throw new Error(`${expression}: ${error}`);
    return data.result.map(({ value: [, value] }) => Number(value));
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }
}
