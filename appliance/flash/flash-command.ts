// hearth flash: an image onto a card, a stick or any disk that the user names.
// Without a device it lists those that can be pulled out, so that nobody has to guess.
import { createInterface } from 'node:readline/promises';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { withByteProgress } from '../../terminal/byte-progress.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { printable } from '../../terminal/foreign-text.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, print, snakeCase } from '../../terminal/print.js';
import { drawGrid, type TableColumn } from '../../terminal/table.js';
import { formatDisk } from '../../terminal/units.js';
import { IMAGE_TARGETS } from '../manifest.js';
import { readPublicKey } from '../signature.js';
import type { FlashProgress } from './checked-image.js';
import { type FlashPlan, type FlashResult, flash, planFlash } from './flash.js';
import { type RemovableDevice, removableDevices } from './removable-devices.js';
import { THIS_SYSTEM } from './system-view.js';

const flashOptions = {
  key: valueFlag('Public key (PEM) that must have signed the manifest', text('key')),
  target: {
    describe: 'Refuse an image for anything else',
    choices: IMAGE_TARGETS,
    requiresArg: true,
  },
  yes: { alias: 'y', describe: 'Do not ask for the name to be typed', type: 'boolean' },
  'dry-run': { describe: 'Check everything and say what would be written', type: 'boolean' },
  eject: { describe: 'Let go of the device at the end; --no-eject keeps it', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

const positionals = {
  image: { describe: '.img, .img.zst or .img.xz', type: 'string' },
  device: { describe: 'The whole disk, such as /dev/sdb', type: 'string' },
} as const;

const STEP_TEXT: Record<FlashProgress['step'], string> = {
  check: 'checking the image',
  write: 'writing',
  verify: 'reading back',
};

const note = noteAs('flash');

type FlashArguments = InferredOptionTypes<typeof flashOptions & typeof positionals>;

export const flashCommand: CommandModule<object, FlashArguments> = {
  command: 'flash [image] [device]',
  describe: 'Write a disk image to a card, a stick or a disk, and read it back',
  builder: (yargs: Argv) =>
    yargs
      .positional('image', positionals.image)
      .positional('device', positionals.device)
      .options(flashOptions)
      .example('$0 flash', 'The devices that can be pulled out')
      .example('$0 flash disk.img /dev/sdb --dry-run', 'What would be written where')
      .example('$0 flash disk.img.zst /dev/sdb', 'Asks for the name to be typed'),
  handler: run,
};

async function run(argv: FlashArguments): Promise<void> {
  const { image, device } = argv;
  if (image === undefined || device === undefined) return await list(argv);
  await interruptible((signal) => flashOne({ ...argv, image, device }, signal));
}

async function list({ json }: FlashArguments): Promise<void> {
  const devices = await removableDevices(THIS_SYSTEM);
  print(json ? listJson(devices) : listText(devices));
}

type Named = FlashArguments & { image: string; device: string };

async function flashOne(argv: Named, signal: AbortSignal): Promise<void> {
  const { image: imagePath, device: deviceName, key, target: imageTarget, json } = argv;
  const publicKey = key === undefined ? null : await readPublicKey(key);
  const said = await withByteProgress(async (display) => {
    const onProgress = ({ step, ...progress }: FlashProgress) =>
      display.update({ ...progress, step: STEP_TEXT[step] });
    const request = { imagePath, deviceName, publicKey, imageTarget, signal, onProgress };
    if (argv['dry-run']) {
      const plan = await planFlash(request);
      return json ? planJson(plan) : planText(plan);
    }
    let isWriting = false;
    const confirm = async (plan: FlashPlan) => {
      display.stop();
      isWriting = argv.yes === true || (await ask(plan, signal));
      return isWriting;
    };
    const shouldEject = argv.eject ?? true;
    const result = await flash({ ...request, confirm, shouldEject }).catch((error) => {
      display.stop();
      if (signal.aborted && isWriting)
        note(`stopped; ${deviceName} holds part of an image at most and does not boot`);
      throw error;
    });
    display.stop();
    tellEjection(result);
    return json ? flashJson(result) : resultText(result);
  });
  print(said);
}

/** On a terminal or from a pipe: the kernel's name of the disk, and nothing else, is a yes. */
async function ask(plan: FlashPlan, signal: AbortSignal): Promise<boolean> {
  const { name } = plan.target.device;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Without an answer the question would wait for ever.
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    process.stderr.write(`${printable(planText(plan))}\n`);
    const question = `Everything on it is lost. Type ${name} to go on: `;
    const answer = await Promise.race([lines.question(question, { signal }), ended]);
    return answer.trim() === name;
  } finally {
    lines.close();
  }
}

function planText({ target, image, writeBytes }: FlashPlan): string {
  const { device, path, mounts } = target;
  const what = [device.model, device.serial && `serial ${device.serial}`].filter(Boolean);
  const points = mounts.map(({ mountPoint }) => mountPoint).join(', ');
  const empty = image.sizeBytes - writeBytes;
  return [
    `image   ${image.path}, ${formatDisk(image.sizeBytes)}${empty > 0 ? `, ${formatDisk(empty)} of it empty` : ''}`,
    `SHA-256 ${image.sha256}`,
    `        ${image.manifest ? `as its manifest says; for ${image.manifest.target}` : 'no manifest to hold it against'}`,
    `device  ${path}, ${[formatDisk(device.sizeBytes), ...what].join(', ')}`,
    ...(points ? [`        is mounted at ${points}, which is unmounted first`] : []),
  ].join('\n');
}

function resultText({ target, image, writeBytes, writeMs, verifyMs }: FlashResult): string {
  const rate = formatDisk(Math.round((1000 * writeBytes) / writeMs));
  const seconds = [writeMs, verifyMs].map((ms) => (ms / 1000).toFixed(1));
  return [
    `${target.path} holds ${image.path}: ${formatDisk(writeBytes)} written in ${seconds[0]} s (${rate}/s), read back in ${seconds[1]} s`,
    `SHA-256 ${image.sha256}`,
  ].join('\n');
}

const EJECTED = {
  ejected: 'is ejected; take it out',
  removable: 'has everything; take it out',
  kept: 'has everything',
} as const;

function tellEjection({ target: { path }, ejection }: FlashResult): void {
  if (ejection?.kind === 'failed')
    note(`warning: ${path} could not be ejected: ${ejection.problem}`);
  else if (ejection) note(`${path} ${EJECTED[ejection.kind]}`);
}

function listText(devices: RemovableDevice[]): string {
  return (
    drawGrid(COLUMNS, devices) ||
    'No removable device is here. Put a card or a stick in, or name any other disk yourself.'
  );
}

const COLUMNS: TableColumn<RemovableDevice>[] = [
  { head: 'Device', cell: ({ path }) => path },
  { head: 'Size', align: 'right', cell: ({ sizeBytes }) => formatDisk(sizeBytes) },
  { head: 'Model', cell: ({ model }) => model ?? '' },
  { head: 'Serial', cell: ({ serial }) => serial ?? '' },
  { head: 'On it', cell: contentText },
];

function contentText({ isReadOnly, contents }: RemovableDevice): string {
  const parts = contents.map(({ name, fsType, label, mountPoints }) =>
    [name, label && `"${label}"`, fsType, ...mountPoints.map((point) => `at ${point}`)]
      .filter(Boolean)
      .join(' '),
  );
  return [isReadOnly && 'read-only', ...parts].filter(Boolean).join('\n') || 'nothing';
}

/** Names as in the log and the manifests. */
function listJson(devices: RemovableDevice[]): object {
  return {
    devices: devices.map(({ isReadOnly, contents, ...device }) =>
      snakeCase({ ...device, readOnly: isReadOnly, contents }),
    ),
  };
}

function planJson({ target, image, writeBytes }: FlashPlan): object {
  return {
    image: image.path,
    image_bytes: image.sizeBytes,
    sha256: image.sha256,
    has_manifest: image.manifest !== null,
    target: image.manifest?.target ?? null,
    device: target.path,
    device_bytes: target.device.sizeBytes,
    model: target.device.model,
    serial: target.device.serial,
    unmounts: target.mounts.map(({ mountPoint }) => mountPoint),
    write_bytes: writeBytes,
  };
}

function flashJson(result: FlashResult): object {
  const { writeMs, verifyMs, ejection } = result;
  return {
    ...planJson(result),
    write_ms: Math.round(writeMs),
    verify_ms: Math.round(verifyMs),
    ejection: ejection?.kind ?? null,
  };
}
