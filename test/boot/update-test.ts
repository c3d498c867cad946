// npm run test:update: an image that takes updates, booted, updated over HTTP, and given a bundle that should
// not have been made. Not part of npm test: it takes hours without KVM.
// Prints a line a check and the figures; exits with 1 where one failed. Needs root for the loop device.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { makeUpdateKeys, UPDATE_KEYS } from '../../appliance/update/update-keys.js';
import { prepareTools, TOOL_OPTIONS } from './boot-tools.js';
import { copyPartition } from './data-on-disk.js';
import { convertModel, flashDisk, makeImage } from './make-disk.js';
import { badBundles } from './update/bad-bundles.js';
import { type BundleMaker, goodBundle, nextHearth } from './update/bundles.js';
import { goodUpdates } from './update/good-updates.js';
import { serveUpdates } from './update/server.js';
import type { Setting } from './update/setting.js';
import { chooseAccelerator } from './virtual-machine.js';

const TARGET = 'x64-uefi';
/** Longer than a start takes until it answers. */
const PATIENCE = { kvm: '60s', tcg: '20m' } as const;
const PARTS = ['update', 'bad'] as const;

const argv = await yargs(hideBin(process.argv))
  .usage('$0: updates of a booted image, and what befalls them')
  .options({
    only: { describe: 'Parts to test', choices: PARTS, array: true, default: PARTS },
    folder: { describe: 'Where images lie (6 GB); kept if given', type: 'string' },
    reuse: {
      describe: 'Take image and bundles that lie in --folder',
      type: 'boolean',
      default: false,
    },
    ...TOOL_OPTIONS,
  })
  .strict()
  .parseAsync();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let failures = 0;

const folder = argv.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'hearth-update-')));
const shown = path.join(folder, 'shown');
await mkdir(shown, { recursive: true });
const server = await serveUpdates(shown);
try {
  await prepareTools(TARGET, argv.installTools, [['rauc', 'rauc']]);
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

type Bundles = {
  /** another hearth, with the model that is there */
  hearth: string;
  /** the same model with another chat template */
  template: string;
  /** the same without its LoRA */
  lora: string;
};

/** An image of release 1.0, and the bundles. */
async function prepare(): Promise<{ setting: Setting; bundles: Bundles; image: string }> {
  const keys = path.join(folder, 'keys');
  const maker = { folder, keys };
  const accelerator = await chooseAccelerator(TARGET);
  if (!argv.reuse) {
    await rm(path.join(folder, 'settled-state'), { force: true });
    await rm(keys, { recursive: true, force: true });
    await makeUpdateKeys({ folder: keys, name: 'update test', days: 30 });
  }
  const told = ['--update-ca', path.join(keys, UPDATE_KEYS.caCert)];
  const more = [...told, '--release', '1.0', '--update-patience', PATIENCE[accelerator]];
  const { image, access } = await makeImage(folder, { target: TARGET, reuse: argv.reuse, more });
  const disk = await flashDisk(image, folder);
  const bundles = argv.reuse ? bundlesIn(folder) : await makeBundles(maker);
  const machine = { target: TARGET, accelerator, folder, restarts: true } as const;
  return { setting: { ...machine, disk, access, server, maker, shown, check }, bundles, image };
}

function bundlesIn(folder: string): Bundles {
  const at = (release: string) => path.join(folder, `${release}.raucb`);
  return { hearth: at('1.1'), template: at('1.2'), lora: at('1.3') };
}

async function makeBundles(maker: BundleMaker): Promise<Bundles> {
  const model = async (release: string, template: string, hasLora: boolean) => {
    // Under the same name, as a maker's next release has it.
    const file = path.join(folder, release, 'appliance.gguf');
    await mkdir(path.dirname(file), { recursive: true });
    await convertModel(file, { template, hasLora });
    return await goodBundle(maker, release, [file, '--memory', '1GiB']);
  };
  return {
    hearth: await goodBundle(maker, '1.1', ['--system'], await nextHearth(folder)),
    template: await model('1.2', 'alpaca', true),
    lora: await model('1.3', 'llama-2', false),
  };
}

async function test({ setting, bundles, image }: Awaited<ReturnType<typeof prepare>>) {
  const { hearth } = bundles;
  const tests: Record<(typeof PARTS)[number], () => Promise<void>> = {
    update: async () => await goodUpdates(setting, await updatesOf(bundles, image)),
    bad: async () => await badBundles(setting, hearth),
  };
  for (const part of PARTS) if (argv.only.includes(part)) await tests[part]();
}

async function updatesOf({ hearth, template, lora }: Bundles, image: string) {
  const before = (part: string) => path.join(folder, `${part}-1.0.img`);
  for (const part of ['system', 'model'])
    await copyPartition(image, `hearth-${part}-a`, before(part));
  return [
    {
      what: 'a new hearth',
      ...({ bundle: hearth, part: 'system', wanted: '1.1 b' } as const),
      old: before('system'),
    },
    {
      what: 'a new chat template',
      ...({ bundle: template, part: 'model', wanted: '1.2 b' } as const),
      old: before('model'),
    },
    {
      what: 'another LoRA',
      ...({ bundle: lora, part: 'model', wanted: null } as const),
      old: before('model'),
    },
  ];
}
