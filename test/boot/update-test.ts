// npm run test:update: an image that takes updates, booted, updated over HTTP, cut off from power and
// given bundles that should not have been made. Not part of npm test: it takes hours without KVM.
// Prints a line a check and the figures; exits with 1 where one failed. Needs root for the loop device.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { DebianTool } from '../../appliance/image/debian-tools.js';
import { IMAGE_TARGETS, type ImageTarget } from '../../appliance/manifest.js';
import { makeUpdateKeys, UPDATE_KEYS } from '../../appliance/update/update-keys.js';
import { prepareTools, TOOL_OPTIONS } from './boot-tools.js';
import { copyPartition } from './data-on-disk.js';
import { convertModel, diskIn, flashDisk, makeImage } from './make-disk.js';
import { fallsBack } from './update/bad-bundles.js';
import {
  type BundleMaker,
  brokenModelBundle,
  bundleOf,
  crashingBundle,
  goodBundle,
  nextHearth,
  panickingBundle,
  silentBundle,
} from './update/bundles.js';
import { changedBlock } from './update/changed-block.js';
import { goodUpdate } from './update/good-updates.js';
import { hawkbitUpdate } from './update/hawkbit.js';
import { ownersHour } from './update/owners-hour.js';
import {
  type Cuts,
  cutsOfChoosing,
  cutsOfInstalling,
  cutsOfStarting,
  findCuts,
} from './update/power-cuts.js';
import { isRecorded, recordingIn } from './update/recording.js';
import { refusals } from './update/refusals.js';
import { serveUpdates } from './update/server.js';
import { type Setting, settledState } from './update/setting.js';
import { chooseAccelerator } from './virtual-machine.js';

/** Longer than a start takes until it answers. */
const PATIENCE = { kvm: '60s', tcg: '20m' } as const;
/** Each alone, too, in a folder where the others left what takes long: a booted machine, bundles, writes. */
const PARTS = [
  ...(['refused', 'hearth', 'cuts', 'cuts-of-choice', 'cuts-of-start'] as const),
  ...([
    'panic',
    'silent',
    'crash',
    'broken-model',
    'models',
    'owners-hour',
    'hawkbit',
    'changed-block',
  ] as const),
];
/** Semantic versions are what its server reads. */
const HAWKBIT_RELEASE = '1.4.0';
/** Of bundles, and of what reads a boot partition beside mtools. */
const TOOLS: DebianTool[] = [
  ['rauc', 'rauc'],
  ['fsck.fat', 'dosfstools'],
];

const argv = await yargs(hideBin(process.argv))
  .usage('$0: updates of a booted image, and what befalls them')
  .options({
    target: { describe: 'Whose image', choices: IMAGE_TARGETS, default: 'x64-uefi' as ImageTarget },
    only: { describe: 'Parts to test', choices: PARTS, array: true, default: PARTS },
    'power-cuts': { describe: 'Power cuts during an update', type: 'number', default: 20 },
    boots: {
      describe: 'How many of them are started and updated again; all with KVM, else 1',
      type: 'number',
    },
    folder: { describe: 'Where images lie (8 GB); kept if given', type: 'string' },
    reuse: {
      describe: 'Take what lies in --folder, and make the rest',
      type: 'boolean',
      default: false,
    },
    ...TOOL_OPTIONS,
  })
  .strict()
  .parseAsync();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const { target } = argv;
let failures = 0;

const folder = argv.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'hearth-update-')));
const shown = path.join(folder, 'shown');
await mkdir(shown, { recursive: true });
const server = await serveUpdates(shown);
try {
  await prepareTools(target, argv.installTools, TOOLS);
  await test(await prepare());
} catch (error) {
  check(false, (error as Error).stack ?? String(error));
} finally {
  await server.close();
  if (argv.folder === undefined) await rm(folder, { recursive: true, force: true });
}
process.exit(failures > 0 ? 1 : 0);

function check(isRight: boolean, what: string): void {
  if (!isRight) failures++;
  const at = new Date().toISOString().slice(11, 19);
  process.stdout.write(`${isRight ? 'ok' : 'NOT OK'}  ${at}  ${what}\n`);
}

/** An image of release 1.0, flashed. */
async function prepare(): Promise<{ setting: Setting; image: string }> {
  const keys = path.join(folder, 'keys');
  const accelerator = await chooseAccelerator(target);
  if (!argv.reuse)
    for (const name of await readdir(folder))
      if (name !== path.basename(shown))
        await rm(path.join(folder, name), { recursive: true, force: true });
  if (!existsSync(keys)) await makeUpdateKeys({ folder: keys, name: 'update test', days: 30 });
  const told = ['--update-ca', path.join(keys, UPDATE_KEYS.caCert)];
  const more = [...told, '--release', '1.0', '--update-patience', PATIENCE[accelerator]];
  const { image, access } = await makeImage(folder, { target, reuse: argv.reuse, more });
  const isFlashed = existsSync(settledState(folder));
  const disk = isFlashed ? diskIn(folder) : await flashDisk(image, folder);
  const machine = { target, accelerator, folder, restarts: true } as const;
  const maker = { folder, keys, target };
  return { setting: { ...machine, disk, access, server, maker, shown, check }, image };
}

async function test({ setting, image }: Awaited<ReturnType<typeof prepare>>) {
  const { maker, accelerator } = setting;
  const boots = argv.boots ?? (accelerator === 'kvm' ? argv.powerCuts : 1);
  const bad = async (
    what: string,
    release: string,
    make: typeof panickingBundle,
    isSlow: boolean,
  ) =>
    await fallsBack(setting, {
      what,
      isSlow,
      bundle: await make(maker, release, await newHearth(maker)),
    });
  const tests: Record<(typeof PARTS)[number], () => Promise<void>> = {
    refused: async () => await refusals(setting),
    hearth: async () => await updateHearth(setting, image),
    models: async () => await updateModels(setting, image),
    'owners-hour': async () => await ownersHour(setting, await otherTemplate(maker, '1.5'), '1.5'),
    hawkbit: async () =>
      await hawkbitUpdate(setting, await otherTemplate(maker, HAWKBIT_RELEASE), HAWKBIT_RELEASE),
    cuts: async () =>
      await cutsOfInstalling(await cutsIn(setting, image), await newHearth(maker), {
        ...{ offsets: argv.powerCuts, boots },
      }),
    'cuts-of-choice': async () => await cutsOfChoosing(await cutsIn(setting, image)),
    'cuts-of-start': async () => await cutsOfStarting(await cutsIn(setting, image)),
    'changed-block': async () => await changedBlock(setting),
    panic: async () => await bad('a kernel that panics', '2.1', panickingBundle, false),
    silent: async () => await bad('an engine that never answers', '2.2', silentBundle, true),
    crash: async () =>
      await bad('an engine that crashes at its first question', '2.3', crashingBundle, true),
    'broken-model': async () =>
      await bad('a model that cannot be loaded', '2.4', brokenModelBundle, true),
  };
  for (const part of PARTS) if (argv.only.includes(part)) await tests[part]();
}

/** Another hearth, with the model that is there. */
async function newHearth(maker: BundleMaker): Promise<string> {
  const bundle = bundleOf(maker, '1.1');
  if (existsSync(bundle)) return bundle;
  return await goodBundle(maker, '1.1', ['--system'], await nextHearth(folder));
}

async function updateHearth(setting: Setting, image: string): Promise<void> {
  const [bundle, old] = [await newHearth(setting.maker), await partOf(image, 'system')];
  const wanted = { wanted: '1.1 b', isRecorded: true };
  await goodUpdate(setting, { what: 'a new hearth', bundle, part: 'system', old, ...wanted });
}

/** The same model with another chat template, which is started, and without its LoRA. */
async function updateModels(setting: Setting, image: string): Promise<void> {
  const old = await partOf(image, 'model');
  for (const [what, release, template, hasLora, wanted] of [
    ['a new chat template', '1.2', 'alpaca', true, '1.2 b'],
    ['another LoRA', '1.3', 'llama-2', false, null],
  ] as const) {
    const bundle = await newModel(setting.maker, release, { template, hasLora });
    await goodUpdate(setting, { what, bundle, part: 'model', old, wanted, isRecorded: false });
  }
}

async function otherTemplate(maker: BundleMaker, release: string): Promise<string> {
  return await newModel(maker, release, { template: 'alpaca', hasLora: true });
}

async function newModel(
  maker: BundleMaker,
  release: string,
  how: { template: string; hasLora: boolean },
): Promise<string> {
  const bundle = bundleOf(maker, release);
  if (existsSync(bundle)) return bundle;
  // Under the same name, as a maker's next release has it.
  const file = path.join(folder, release, 'appliance.gguf');
  await mkdir(path.dirname(file), { recursive: true });
  await convertModel(file, how);
  return await goodBundle(maker, release, [file, '--memory', '1GiB']);
}

/** What the device has of it, before. */
async function partOf(image: string, part: string): Promise<string> {
  const file = path.join(folder, `${part}-1.0.img`);
  await copyPartition(image, `hearth-${part}-a`, file);
  return file;
}

/** In the writes of an update, which is made unless it was. */
async function cutsIn(setting: Setting, image: string): Promise<Cuts> {
  if (!isRecorded(folder)) await updateHearth(setting, image);
  return await findCuts(setting, await recordingIn(folder, setting.disk));
}
