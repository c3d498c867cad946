// hearth image: a bootable disk with the model on it, for a small PC or board.
// Progress goes to stderr, the summary to stdout. What is built is build-image.ts's.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { contextFlag } from '../../llama/settings.js';
import { duration, one, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, print } from '../../terminal/print.js';
import { formatDisk, formatMemory, parseSize } from '../../terminal/units.js';
import { IMAGE_TARGETS, type ImageTarget } from '../manifest.js';
import { readSigningKey } from '../signature.js';
import { checkedRelease, releaseOfDay } from '../update/release.js';
import { bootSignerFlags, readBootSigner } from './boot-signer.js';
import { buildImage, type ImageSummary } from './build-image.js';
import { DEFAULT_PORT, DEFAULT_UPDATE_HOUR, readSettings } from './device-settings.js';
import { DEFAULT_MEMORY_BYTES } from './fit-check.js';
import { DEFAULT_MIRROR } from './gather-system.js';
import { sourceDateOrToday } from './source-date.js';

const note = noteAs('image');

const imageOptions = {
  target: {
    describe: 'Machine that the disk is for',
    choices: IMAGE_TARGETS,
    demandOption: true,
    coerce: one((name) => name as ImageTarget),
  },
  output: valueFlag('Where to write the image', text('output'), { alias: 'o', demandOption: true }),
  memory: valueFlag("The device's memory, which the model must fit", parseSize, {
    defaultDescription: '4GiB',
  }),
  ctx: {
    ...contextFlag(),
    defaultDescription: 'what fits, at most 4096',
  },
  port: valueFlag('Port of the page', wholeNumber('port', 1, 65535), {
    defaultDescription: String(DEFAULT_PORT),
  }),
  hostname: valueFlag('Name of the device', text('hostname'), { defaultDescription: 'hearth' }),
  'ssh-key': valueFlag(
    'File of public keys that may log in as root; nobody without',
    text('ssh-key'),
  ),
  wifi: { describe: 'With what Wi-Fi takes, for a network that the owner names', type: 'boolean' },
  'wifi-ssid': valueFlag('Wi-Fi network to join', text('wifi-ssid')),
  'wifi-psk-file': valueFlag('File with its passphrase', text('wifi-psk-file')),
  'api-key-file': valueFlag('File of keys that the API asks for, one a line', text('api-key-file')),
  setup: {
    describe:
      'Let the owner set name, key, Wi-Fi and time zone at the first start; --no-setup leaves them as they are made',
    type: 'boolean',
    defaultDescription: 'without --api-key-file',
  },
  'update-ca': valueFlag(
    'Certificate (PEM) of whose updates the device takes; none without',
    text('update-ca'),
  ),
  'update-url': valueFlag(
    'Folder on a web server where the device looks for updates by itself',
    text('update-url'),
  ),
  'hawkbit-url': valueFlag(
    'Server of Eclipse hawkBit, with its tenant, that assigns the device its updates instead',
    text('hawkbit-url'),
  ),
  'hawkbit-token-file': valueFlag(
    'File with its token: of its gateway, which all devices of the image have, or of one target',
    text('hawkbit-token-file'),
  ),
  'update-hour': valueFlag(
    'Hour at which it may start again for one, when nobody is being answered',
    wholeNumber('update-hour', 0, 23),
    { defaultDescription: String(DEFAULT_UPDATE_HOUR) },
  ),
  'update-patience': valueFlag(
    'How long a system that has not answered yet may take before it starts again',
    duration('update-patience'),
    { defaultDescription: '10m' },
  ),
  release: valueFlag('Version of what the device runs', checkedRelease, {
    defaultDescription: 'the date, such as 2026.11.29',
  }),
  sign: valueFlag('Private Ed25519 key (PEM) to sign the manifest with', text('sign')),
  ...bootSignerFlags,
  timezone: valueFlag('Such as Europe/Berlin', text('timezone'), { defaultDescription: 'UTC' }),
  mirror: valueFlag('Debian mirror', text('mirror'), { defaultDescription: DEFAULT_MIRROR }),
  force: { describe: 'Replace an existing image', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type ImageArguments = InferredOptionTypes<typeof imageOptions> & { model: string };

export const imageCommand: CommandModule<object, ImageArguments> = {
  command: 'image <model>',
  describe: 'Make a disk that boots into chat, for a small PC or board',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', { describe: 'GGUF file', type: 'string', demandOption: true })
      .options(imageOptions)
      .example('$0 image chat.gguf --target x64-uefi -o disk.img', 'For hearth flash')
      .example(
        '$0 image chat.gguf --target x64-uefi -o disk.img --hostname kitchen --ssh-key ~/.ssh/id_ed25519.pub',
        'At http://kitchen.local:8080, with SSH',
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: ImageArguments, signal: AbortSignal): Promise<void> {
  const settings = await readSettings(argv, warn);
  if (settings.apiKeys.length === 0)
    warn(
      `without --api-key-file, everyone in the same network may use the device${settings.hasSetup ? ' until its owner has set a key' : ''}`,
    );
  const epoch = sourceDateOrToday();
  const summary = await buildImage({
    model: argv.model,
    target: argv.target as ImageTarget,
    output: argv.output as string,
    settings,
    signal,
    memoryBytes: argv.memory ?? DEFAULT_MEMORY_BYTES,
    nCtx: argv.ctx,
    mirror: argv.mirror,
    epoch,
    release: argv.release ?? releaseOfDay(epoch),
    signingKey: argv.sign === undefined ? undefined : await readSigningKey(argv.sign, warn),
    bootSigner: await readBootSigner(argv, warn),
    force: argv.force,
    onStep: (step) => note(`${step} …`),
  });
  print(argv.json ? summaryJson(summary) : summaryText(summary));
}

function summaryText({ output, sizeBytes, sizeWithoutModelBytes, fitted }: ImageSummary): string {
  return [
    output,
    `  size      ${formatDisk(sizeBytes)}, ${formatDisk(sizeWithoutModelBytes)} without the model`,
    `  context   ${fitted.nCtx} tokens`,
    `  memory    ${formatMemory(fitted.neededBytes)} for the engine`,
    `  manifest  ${output}.manifest.json`,
  ].join('\n');
}

function summaryJson({ output, manifest, layout, fitted, ...sizes }: ImageSummary) {
  return {
    path: output,
    manifest,
    size_bytes: sizes.sizeBytes,
    size_without_model_bytes: sizes.sizeWithoutModelBytes,
    n_ctx: fitted.nCtx,
    needed_bytes: fitted.neededBytes,
    service_max_bytes: fitted.memoryMaxBytes,
    partitions: layout.partitions.map(({ name, uuid, startBytes, sizeBytes }) => {
      return { name, uuid, start_bytes: startBytes, size_bytes: sizeBytes };
    }),
  };
}

function warn(message: string): void {
  note(`warning: ${message}`);
}
