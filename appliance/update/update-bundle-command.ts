// hearth update-bundle: what devices of an image are to become, as one signed file for RAUC.
// Progress goes to stderr, the summary to stdout. What is built is update-bundle.ts's.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { contextFlag } from '../../llama/settings.js';
import { one, text, valueFlag } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, print } from '../../terminal/print.js';
import { formatDisk, parseSize } from '../../terminal/units.js';
import { bootSignerFlags, readBootSigner } from '../image/boot-signer.js';
import { DEFAULT_MEMORY_BYTES } from '../image/fit-check.js';
import { DEFAULT_MIRROR } from '../image/gather-system.js';
import { compatibleOf } from '../image/rauc-config.js';
import { sourceDateOrToday } from '../image/source-date.js';
import { IMAGE_TARGETS, type ImageTarget } from '../manifest.js';
import { warnIfOpen } from '../signature.js';
import { checkedRelease, releaseOfDay } from './release.js';
import { buildUpdateBundle, type UpdateBundleSummary } from './update-bundle.js';

const note = noteAs('update-bundle');

const bundleOptions = {
  target: {
    describe: 'Machines that it is for',
    choices: IMAGE_TARGETS,
    demandOption: true,
    coerce: one((name) => name as ImageTarget),
  },
  cert: valueFlag('Certificate (PEM) of who signs', text('cert'), { demandOption: true }),
  key: valueFlag('Its private key: PEM, or a PKCS#11 URL', text('key'), { demandOption: true }),
  release: valueFlag('Version of what the devices then run', checkedRelease, {
    defaultDescription: 'the date, such as 2026.11.29',
  }),
  system: { describe: 'With Debian as it is now, and this hearth', type: 'boolean' },
  wifi: { describe: 'For devices of images with --wifi or --wifi-ssid', type: 'boolean' },
  ...bootSignerFlags,
  'secure-boot': {
    describe: 'For devices of images with --secure-boot-key',
    type: 'boolean',
    defaultDescription: 'with --secure-boot-key',
  },
  memory: valueFlag("The devices' memory, which the model must fit", parseSize, {
    defaultDescription: '4GiB',
  }),
  ctx: { ...contextFlag(), defaultDescription: 'what fits, at most 4096' },
  mirror: valueFlag('Debian mirror', text('mirror'), { defaultDescription: DEFAULT_MIRROR }),
  output: valueFlag('Where to write it', text('output'), {
    alias: 'o',
    defaultDescription: 'hearth-TARGET.raucb',
  }),
  force: { describe: 'Replace an existing file', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type BundleArguments = InferredOptionTypes<typeof bundleOptions> & { model?: string | undefined };

export const updateBundleCommand: CommandModule<object, BundleArguments> = {
  command: 'update-bundle [model]',
  describe: 'Sign an update for devices that hearth image made',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', {
        describe: 'GGUF file; the devices keep theirs without',
        type: 'string',
      })
      .options(bundleOptions)
      .example(
        '$0 update-bundle new.gguf --target x64-uefi --cert keys/update.cert.pem --key keys/update.key.pem',
        'hearth-x64-uefi.raucb, with another model',
      )
      .example(
        '$0 update-bundle --system --target x64-uefi --cert keys/update.cert.pem --key keys/update.key.pem',
        'With a new hearth and Debian, and the model that is there',
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: BundleArguments, signal: AbortSignal): Promise<void> {
  const { model = null, force, release, json, mirror, wifi: hasWifi = false } = argv;
  const target = argv.target as ImageTarget;
  const key = argv.key as string;
  await warnIfOpen(key, warn);
  const bootSigner = await readBootSigner(argv, warn);
  const isSigned = argv['secure-boot'] ?? bootSigner !== null;
  const epoch = sourceDateOrToday();
  const summary = await buildUpdateBundle({
    ...{ model, target, epoch, force, signal, mirror, hasWifi, key, cert: argv.cert as string },
    ...{ bootSigner, isSigned },
    hasSystem: argv.system ?? false,
    memoryBytes: argv.memory ?? DEFAULT_MEMORY_BYTES,
    nCtx: argv.ctx,
    release: release ?? releaseOfDay(epoch),
    output: argv.output ?? `${compatibleOf(target, { hasWifi, isSigned })}.raucb`,
    onStep: (step) => note(`${step} …`),
  });
  print(json ? summaryJson(summary) : summaryText(summary));
}

function summaryText({ output, sizeBytes, compatible, release, parts }: UpdateBundleSummary) {
  return [
    `${output}: ${formatDisk(sizeBytes)} for ${compatible}, version ${release}`,
    ...parts.map(({ name, sizeBytes }) => `  ${name.padEnd(8)}${formatDisk(sizeBytes)}`),
  ].join('\n');
}

function summaryJson({ output, sizeBytes, compatible, release, parts }: UpdateBundleSummary) {
  return {
    output,
    bundle_bytes: sizeBytes,
    compatible,
    release,
    parts: parts.map(({ name, sizeBytes }) => ({ name, size_bytes: sizeBytes })),
  };
}

function warn(message: string): void {
  note(`warning: ${message}`);
}
