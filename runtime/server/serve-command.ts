// hearth serve: models over HTTP, with the OpenAI API, a page and a dashboard.
// Settings come from flags, HEARTH_* and --config, in this order; what they mean is checked here.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { duration, many, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { parseJson } from '../../terminal/parse-json.js';
import { noteAs } from '../../terminal/print.js';
import { formatMemory } from '../../terminal/units.js';
import { defined } from '../defined.js';
import type { EngineOptions } from '../engine/engine.js';
import { engineFlags, engineOptionsOf, listFlag } from '../engine/engine-flags.js';
import { logFlags, logOptionsOf } from '../log/log-flags.js';
import { chooseModels, type ModelFileChoice } from '../models/model-files.js';
import type { ModelChoice } from '../models/served-model.js';
import { serve } from './serve.js';
import { serveUnit } from './serve-unit.js';

const MAX_PORT = 65_535;
const MAX_QUEUE = 100_000;
const MAX_RATE = 1_000_000;

const options = {
  host: {
    ...valueFlag("Address to listen on; others than this machine's own need a key", text('host')),
    default: '127.0.0.1',
  },
  port: {
    ...valueFlag('Port to listen on; 0 takes any free one', wholeNumber('port', 0, MAX_PORT)),
    default: '8080',
  },
  socket: valueFlag('Listen on this UNIX socket instead', (file) =>
    path.resolve(text('socket')(file)),
  ),
  'api-key': listFlag('Key that callers must send; may be given several times', text('api-key')),
  'api-key-file': valueFlag('File of such keys, one a line', text('api-key-file')),
  // As HEARTH_NO_AUTH and HEARTH_NO_LOG; on the command line yargs reads them as auth and log.
  'no-auth': { type: 'boolean', hidden: true },
  'no-log': { type: 'boolean', hidden: true },
  auth: { describe: 'Ask for a key; --no-auth lets anyone in who can connect', type: 'boolean' },
  cors: listFlag(
    'Origin of pages that may call the API, such as https://home.example; * for all',
    origin,
  ),
  'allow-host': listFlag(
    'Name under which this server is called, behind a proxy for example',
    (name) => text('allow-host')(name).toLowerCase(),
  ),
  models: valueFlag('Folder of GGUF files, each of which is loaded when it is asked', (folder) =>
    path.resolve(text('models')(folder)),
  ),
  alias: listFlag(
    "The model's name for callers, instead of its file's; of several, once for each, in their order",
    text('alias'),
  ),
  pin: listFlag('Model that stays loaded, by its name; may be given several times', text('pin')),
  idle: valueFlag(
    'Unload a model that nobody has asked for so long, such as 15m; the next question loads it',
    duration('idle'),
  ),
  'chat-template': valueFlag(
    "Chat template instead of the model's own: a name of hearth convert's, or a file with Jinja",
    text('chat-template'),
  ),
  thinking: {
    describe: 'Let a model think that can; --no-thinking asks for answers only',
    type: 'boolean',
  },
  'max-queue': valueFlag(
    'Requests that may wait; one more gets 429',
    wholeNumber('max-queue', 0, MAX_QUEUE),
  ),
  deadline: valueFlag(
    'Longest time for an answer, waiting included: 90s, 5m',
    duration('deadline'),
  ),
  'rate-limit': valueFlag(
    'Requests a minute from one key or address',
    wholeNumber('rate-limit', 1, MAX_RATE),
  ),
  otlp: valueFlag(
    'Push metrics of the log to this OpenTelemetry collector, such as http://localhost:4318',
    collectorUrl,
  ),
  // The unit of an image names it.
  'update-outcome': {
    ...valueFlag("Record of the device's last update, for /props and /metrics", path.resolve),
    hidden: true,
  },
  // The configuration of an image has it until its owner has set the device up.
  setup: {
    ...valueFlag('File that the setup page leaves for root', path.resolve),
    hidden: true,
  },
  // HEARTH_DEBUG, which cli.ts reads, comes along with the other HEARTH_*.
  debug: { type: 'boolean', hidden: true },
  'print-unit': { describe: 'Print a systemd unit for these settings', type: 'boolean' },
} as const satisfies Record<string, Options>;

const modelOption = {
  model: {
    describe: 'GGUF files; several are loaded when they are asked, as far as memory goes',
    type: 'string',
    array: true,
    coerce: many((file) => path.resolve(text('model')(file))),
  },
} as const;

type ServeArguments = InferredOptionTypes<
  typeof options & typeof logFlags & typeof engineFlags & typeof modelOption
>;

export const serveCommand: CommandModule<object, ServeArguments> = {
  command: 'serve [model..]',
  describe: 'Serve models over HTTP: the OpenAI API, a chat page and a dashboard',
  builder: (yargs: Argv) => {
    const known = { ...options, ...logFlags, ...engineFlags };
    readBooleans(process.env, known);
    dropUnknown(process.env, ['model', 'config', ...Object.keys(known)]);
    return yargs
      .positional('model', modelOption.model)
      .options(known)
      .env('HEARTH')
      .config('config', 'JSON file of these options', readConfig)
      .check((argv) => {
        offered(argv);
        return true;
      })
      .example('$0 serve model.gguf', 'On http://127.0.0.1:8080')
      .example('$0 serve --models ~/models --idle 15m', 'All of a folder, each while it is asked')
      .example('HEARTH_API_KEY=… $0 serve model.gguf --host 0.0.0.0', 'For the whole network');
  },
  handler: (argv) => {
    const settled = {
      ...argv,
      auth: argv['no-auth'] ? false : argv.auth,
      log: argv['no-log'] ? false : argv.log,
    };
    return argv['print-unit'] ? printUnit(settled) : run(settled);
  },
};

async function run(argv: ServeArguments): Promise<void> {
  const apiKeys = readKeys(argv);
  checkExposure(argv, apiKeys);
  if (argv.otlp && argv.log === false)
    throw new Error('--otlp sends what the log holds, and --no-log keeps none; give one of them');
  const { host, port, socket, 'max-queue': maxQueue } = argv;
  const more = {
    ...defined({ maxQueue, chatTemplate: await chatTemplateOf(argv) }),
    ...(argv.thinking === false && { thinking: false }),
  };
  const models = await modelsOf(argv);
  await serve({
    models: models.map(({ settings, ...model }) => ({
      ...model,
      settings: { ...settings, ...more },
    })),
    memoryBytes: argv.memory ?? null,
    idleMs: argv.idle ?? null,
    apiKeys,
    corsOrigins: argv.cors ?? [],
    allowedHosts: [...(argv['allow-host'] ?? []), String(host).toLowerCase()],
    rateLimit: argv['rate-limit'] ?? null,
    deadlineMs: argv.deadline ?? null,
    overflow: argv.overflow ?? 'error',
    listen: socket
      ? { kind: 'socket', path: socket }
      : { kind: 'port', host: String(host), port: Number(port) },
    log: logOptionsOf(argv),
    otlp: argv.otlp ?? null,
    updateOutcome: argv['update-outcome'] ?? null,
    setup: argv.setup === undefined ? null : { file: argv.setup },
  });
}

async function chatTemplateOf(argv: ServeArguments): Promise<string | undefined> {
  const choice = argv['chat-template'];
  if (choice === undefined) return undefined;
  const { readNamedTemplate } = await import('../../model/template/named-template.js');
  return (await readNamedTemplate(choice)).template;
}

/** yargs takes only `true` for a yes, and anything else silently for a no. */
function readBooleans(env: NodeJS.ProcessEnv, all: Record<string, Options>): void {
  for (const [name, { type }] of Object.entries(all)) {
    const variable = variableOf(name);
    const value = env[variable];
    if (type !== 'boolean' || value === undefined || name === 'debug') continue;
    if (/^(true|1|yes|on)$/i.test(value)) env[variable] = 'true';
    else if (/^(false|0|no|off|)$/i.test(value)) env[variable] = 'false';
    else throw new Error(`${variable} is "${value}"; expected true or false`);
  }
}

/** Another program's, or one of a newer hearth: no reason not to serve. */
function dropUnknown(env: NodeJS.ProcessEnv, names: readonly string[]): void {
  const known = names.map(variableOf);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('HEARTH_') || known.includes(variable)) continue;
    noteAs('serve')(`warning: ${variable} is no setting of hearth serve and is left aside`);
    delete env[variable];
  }
}

function variableOf(name: string): string {
  return `HEARTH_${name.toUpperCase().replaceAll('-', '_')}`;
}

type OfferedArguments = Pick<ServeArguments, 'model' | 'models' | 'alias' | 'pin' | 'draft'>;

/** Throws where it is not clear which models are meant. */
function offered(argv: OfferedArguments): ModelFileChoice[] {
  const { model, models: folder, alias, pin, draft } = argv;
  const files = model ?? [];
  if (files.length === 0 && folder === undefined)
    throw new Error('name a model: hearth serve MODEL.gguf');
  const models = chooseModels({ files, folder, aliases: alias ?? [], pins: pin ?? [] });
  if (draft !== undefined && models.length > 1)
    throw new Error(`--draft drafts for one model, and ${models.length} are served; serve one`);
  return models;
}

/** What a model alone takes of --memory is known before its engine starts; of several, the pool sees to it. */
async function modelsOf(argv: ServeArguments): Promise<ModelChoice[]> {
  const models = offered(argv).map(({ modelPath, ...model }) => {
    return { ...model, settings: engineOptionsOf(modelPath, argv) };
  });
  const [only, ...others] = models;
  if (!only || others.length > 0) {
    models.forEach(checkExists);
    return models;
  }
  return [{ ...only, settings: await withinBudget(only.settings, argv) }];
}

/** What is loaded later would tell of a slip of the pen later. */
function checkExists({ settings: { modelPath } }: ModelChoice): void {
  if (!existsSync(modelPath)) throw new Error(`there is no file ${modelPath}`);
}

/** What is chosen is said, as it decides how long a conversation may be. */
async function withinBudget(options: EngineOptions, argv: ServeArguments): Promise<EngineOptions> {
  if (argv.memory === undefined) return options;
  const { withinMemory } = await import('../engine/memory-budget.js');
  const budgeted = await withinMemory(options, argv.memory);
  const { nCtx, gpuLayers } = budgeted.options;
  const layers = gpuLayers === undefined ? '' : ` and ${gpuLayers} layers on the GPU`;
  noteAs('serve')(`${nCtx} tokens of context${layers} stay below ${formatMemory(argv.memory)}`);
  return budgeted.options;
}

function readKeys(argv: ServeArguments): string[] {
  const keyFile = argv['api-key-file'];
  const lines = keyFile === undefined ? [] : readLines(keyFile);
  const keys = [...(argv['api-key'] ?? []), ...lines.map((line) => line.trim()).filter(Boolean)];
  if (keyFile !== undefined && keys.length === 0)
    throw new Error(`${keyFile} holds no key; write one a line`);
  if (keys.length > 0 && argv.auth === false)
    throw new Error('a key and --no-auth contradict each other; give one of them');
  return keys;
}

function readLines(keyFile: string): string[] {
  try {
    return readFileSync(keyFile, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw new Error(`the keys in ${keyFile} cannot be read: ${(error as Error).message}`);
  }
}

/** A socket is guarded by its file's permissions. */
function checkExposure({ host, socket, auth }: ServeArguments, apiKeys: string[]): void {
  if (socket || isLoopback(String(host)) || apiKeys.length > 0 || auth === false) return;
  throw new Error(
    `--host ${host} lets others than this machine in; set a key with --api-key, --api-key-file or HEARTH_API_KEY, or let everyone in with --no-auth`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function printUnit(argv: ServeArguments): void {
  const unit = serveUnit({
    modelPaths: offered(argv).map(({ modelPath }) => modelPath),
    logPath: argv.log === false ? null : argv.log,
    socketPath: argv.socket,
    keyFilePath: argv['api-key-file'],
    deadlineMs: argv.deadline,
    args: process.argv.slice(process.argv.indexOf('serve') + 1),
    env: process.env,
  });
  process.stdout.write(unit);
}

function origin(value: string): string {
  if (value === '*') return value;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && url.origin === value.replace(/\/$/, '') && url.origin !== 'null') return url.origin;
  throw new Error(`--cors takes an origin such as https://home.example, not "${value}"`);
}

/** Its path is kept: some collectors have one for each customer. */
function collectorUrl(value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error(`--otlp takes an address such as http://localhost:4318, not "${value}"`);
  if (url.username || url.password)
    throw new Error('--otlp takes no password; set OTEL_EXPORTER_OTLP_HEADERS="authorization=…"');
  return url;
}

function readConfig(file: string): object {
  try {
    const config = parseJson(readFileSync(file, 'utf8'));
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
    throw new Error('it holds no JSON object');
  } catch (error) {
    throw new Error(`the config ${file} cannot be read: ${(error as Error).message}`);
  }
}
