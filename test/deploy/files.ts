// The files for HAProxy, Prometheus, compose, Kubernetes, Traefik and Grafana, each read by the tool that its
// users run, or held to the types that are made of its own schema, where a misspelt field is an error.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../support/samples.js';
import { type DeploySetting, output } from './setting.js';

/** Of Kubernetes 1.33, Traefik 3.6 and Grafana as in compose.yaml; no part of hearth's own packages. */
const PACKAGES = [
  'kubernetes-models@5.1.0',
  '@kubernetes-models/traefik@2.0.0',
  '@grafana/schema@12.1.0',
  'yaml@2.8.1',
];
const COMPOSE_GO = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';

const deploy = (file: string) => path.join(packageRoot, 'deploy', file);

export async function checkFiles(setting: DeploySetting): Promise<void> {
  await checkHaproxy(setting);
  await checkKustomization(setting);
  await checkCompose(setting);
  await checkTypes(setting);
}

async function checkHaproxy({ check }: DeploySetting): Promise<void> {
  const addresses = [1, 2, 3, 4].map((n) => `HEARTH_${n}=127.0.0.1:${8080 + n}`);
  const env = [
    ...addresses,
    'HEARTH_BALANCER=127.0.0.1:8080',
    `HEARTH_ERRORS=${deploy('haproxy')}`,
  ];
  const words = ['env', ...env, 'haproxy', '-c', '-V', '-f', deploy('haproxy/haproxy.cfg')];
  const said = await output(words, 'haproxy');
  check(/Configuration file is valid/.test(said), 'haproxy -c takes haproxy.cfg');
  for (const [file, code] of [
    ['502.http', 'replica_died'],
    ['503.http', 'no_replica'],
  ] as const) {
    const [head = '', body = ''] = (await readFile(deploy(`haproxy/${file}`), 'utf8')).split(
      /\r?\n\r?\n/,
    );
    const length = Number(/^content-length: (\d+)\r?$/m.exec(head)?.[1]);
    const { error } = JSON.parse(body) as { error: { code: string } };
    check(
      length === Buffer.byteLength(body) && error.code === code,
      `${file} is as long as it says`,
    );
  }
}

async function checkKustomization({ check }: DeploySetting): Promise<void> {
  const built = await output(['kubectl', 'kustomize', deploy('kubernetes')], 'kubernetes-client');
  const kinds = [...built.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind).sort();
  const wanted = ['IngressRoute', 'Middleware', 'PodDisruptionBudget', 'Service', 'StatefulSet'];
  check(`${kinds}` === `${wanted}`, `kubectl kustomize builds ${kinds.join(', ')}`);
}

/** By the loader of docker compose. */
async function checkCompose({ check }: DeploySetting): Promise<void> {
  const file = path.join(packageRoot, 'compose.yaml');
  const loaded = await output(['go', 'run', COMPOSE_GO, '--format', 'json', file], 'golang');
  const { services } = JSON.parse(loaded) as { services: Record<string, unknown> };
  const names = Object.keys(services).sort();
  check(
    `${names}` === 'grafana,hearth,prometheus,updates',
    `compose-go takes compose.yaml: ${names.join(', ')}`,
  );
}

type Yaml = { parseAllDocuments(text: string): { toJS(): { apiVersion: string; kind: string } }[] };
type Typed = { what: string; type: string; value: unknown };

/** Each document is a literal of its type, in a program that the compiler checks. */
async function checkTypes({ folder, check }: DeploySetting): Promise<void> {
  await writeFile(path.join(folder, 'package.json'), '{"type":"module","private":true}');
  await output(['npm', 'install', '--silent', '--ignore-scripts', ...PACKAGES], 'npm', folder);
  for (const [i, { what, type, value }] of (await typedDocuments(folder)).entries()) {
    const file = path.join(folder, `typed-${i}.ts`);
    await writeFile(file, `export const document: ${type} = ${JSON.stringify(value, null, 2)};\n`);
    const compiler = path.join(packageRoot, 'node_modules/typescript/bin/tsc');
    const words = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', file];
    const said = await output([process.execPath, compiler, ...words], 'nodejs', folder).then(
      () => null,
      (error: Error) => error.message,
    );
    check(said === null, `${what} is of its type${said === null ? '' : `: ${said}`}`);
  }
}

async function typedDocuments(folder: string): Promise<Typed[]> {
  const { parseAllDocuments } = (await import(
    pathToFileURL(path.join(folder, 'node_modules/yaml/dist/index.js')).href
  )) as Yaml;
  const documents: Typed[] = [];
  for (const file of ['hearth.yaml', 'ingress-route.yaml'])
    for (const document of parseAllDocuments(
      await readFile(deploy(`kubernetes/${file}`), 'utf8'),
    )) {
      const value = document.toJS();
      documents.push({ what: `${file}: ${value.kind}`, type: typeOf(value), value });
    }
  const dashboard = await readFile(deploy('grafana/dashboards/hearth.json'), 'utf8');
  const type = "import('@grafana/schema').Dashboard";
  return [...documents, { what: 'hearth.json', type, value: JSON.parse(dashboard) }];
}

function typeOf({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const isTraefik = apiVersion.startsWith('traefik.io/');
  const models = isTraefik ? '@kubernetes-models/traefik' : 'kubernetes-models';
  return `import('${models}/${apiVersion}').I${kind}`;
}
