// hearth update: on a device of hearth image, what it becomes with the next start.
// The device's own timers run it, too: one that looks for updates, one that starts them at night.
import os from 'node:os';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { interruptible } from '../../terminal/interruptible.js';
import { clearProgressLine, noteAs, print, showProgressLine } from '../../terminal/print.js';
import { installedRelease, readDevice } from './device.js';
import { updateByHawkbit } from './hawkbit-update.js';
import { restartMachine, serverOfDevice, untilIdle } from './restart-when-idle.js';
import { bundleAt, type UpdateResult, updateDevice } from './update-device.js';
import { UpdateError } from './update-error.js';

const note = noteAs('update');

const updateOptions = {
  'allow-downgrade': { describe: 'Take an older version, too', type: 'boolean' },
  restart: {
    describe: 'Start what is installed as soon as nobody is being answered',
    type: 'boolean',
  },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type UpdateArguments = InferredOptionTypes<typeof updateOptions> & { source?: string | undefined };

export const updateCommand: CommandModule<object, UpdateArguments> = {
  command: 'update [source]',
  describe: 'On a device of hearth image: install a signed update beside what runs',
  builder: (yargs: Argv) =>
    yargs
      .positional('source', {
        describe: 'Bundle, or URL of one or of a folder; else what the image was told',
        type: 'string',
      })
      .options(updateOptions)
      .example('$0 update', "From the image's --update-url")
      .example('$0 update http://nas.local/hearth/ --restart', 'And start it'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: UpdateArguments, signal: AbortSignal): Promise<void> {
  const { restart = false } = argv;
  // Who is being answered comes first; RAUC's service does the same.
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  // What is installed already can start without the server that it came from.
  const isWaiting = restart && (await installedRelease()) !== null;
  if (argv.source !== undefined || !isWaiting) {
    const result = await install(argv, signal).finally(clearProgressLine);
    print(argv.json ? (result ?? { kind: 'none' }) : resultText(result));
  }
  if (!restart || (await installedRelease()) === null) return;
  note('starting again once nobody is being answered …');
  await untilIdle({ ...(await serverOfDevice()), signal });
  await restartMachine();
}

/** Null where a server has nothing for this device. */
async function install(argv: UpdateArguments, signal: AbortSignal): Promise<UpdateResult | null> {
  const device = await readDevice();
  const options = {
    ...{ device, signal, allowsOlder: argv['allow-downgrade'] ?? false },
    onProgress: (percent: number, step: string) => showProgressLine(`${step}, ${percent} %`),
  };
  const { hawkbit: server, updateUrl } = device;
  const source = argv.source ?? updateUrl;
  if (source !== null)
    return await updateDevice({ ...options, source: await bundleAt(source, device.compatible) });
  if (server !== null) return await updateByHawkbit({ ...options, server });
  throw new UpdateError(
    'name a bundle or an URL; the image of this device was made without --update-url and --hawkbit-url',
  );
}

function resultText(result: UpdateResult | null): string {
  if (result === null) return 'nothing is assigned to this device now';
  const { kind, release } = result;
  const texts: Record<UpdateResult['kind'], string> = {
    current: `version ${release} runs already`,
    waiting: `version ${release} is installed already, and starts with the next start`,
    installed: `version ${release} is installed, and starts with the next start`,
  };
  return texts[kind];
}
