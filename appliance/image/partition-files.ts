// The contents of each partition as a file, and where on the disk they will lie.
// The system names partitions by UUIDs, which follow from what is built; where they begin follows
// from how large it gets. So UUIDs come first and the layout last.
import { stat } from 'node:fs/promises';
import { type BootFiles, bootFiles, bootPartition, bootPartitionBytes } from './boot-partition.js';
import type { ImageBuild } from './build.js';
import { dataPartition, modelPartition, settingsPartition } from './data-partition.js';
import {
  type ContentBytes,
  type DiskLayout,
  diskLayout,
  type PartitionName,
  partitionNamed,
  uuidsFrom,
} from './partitions.js';
import { settingsFiles } from './settings-files.js';
import { systemSlot } from './system-slot.js';
import { readVerity, type Verity } from './verity.js';

export type Partitions = {
  layout: DiskLayout;
  content: ContentBytes;
  /** paths; the second model comes with an update */
  files: Partial<Record<PartitionName, string>>;
};

export async function makePartitions(build: ImageBuild): Promise<Partitions> {
  const uuidOf = uuidsFrom(seedOf(build));
  const { path: system, kernel } = await systemSlot(build);
  const boot = await bootFiles(build, kernel);
  const model = await modelPartition(build.model, { ...build, nCtx: build.fitted.nCtx });
  const { settings, fitted } = build;
  const { memoryMaxBytes } = fitted;
  const told = await settingsPartition(settingsFiles({ settings, memoryMaxBytes }), build);
  const content: ContentBytes = {
    efi: await bootPartitionBytes(boot),
    settings: (await stat(told)).size,
    system: (await stat(system)).size,
    model: (await stat(model)).size,
  };
  const hasUpdates = settings.updateCa !== null;
  const layout = diskLayout({ content, uuidOf, hasUpdates });
  const efi = await bootOf(build, { layout, boot, verity: await readVerity(system) });
  const data = await dataPartition(partitionNamed(layout, 'data'), build);
  const systems = { 'system-a': system, 'system-b': system };
  const files = { efi, settings: told, ...systems, 'model-a': model, data };
  return { layout, content, files };
}

/** Whatever makes two images different but their secrets, which no UUID should tell. */
function seedOf({
  target,
  settings,
  base,
  hearth,
  fitted,
  epoch,
  modelSha256,
  release,
  bootSigner,
}: ImageBuild): string {
  const { hostname, timezone, port, updateCa, hasSetup } = settings;
  const made = [hostname, timezone, port, updateCa, hasSetup];
  const signed = bootSigner === null ? [] : ['signed'];
  const asked = [target, ...made, fitted.nCtx, epoch, release, ...signed];
  return JSON.stringify([...asked, modelSha256, base.packages, hearth.packages]);
}

async function bootOf(
  build: ImageBuild,
  { layout, ...made }: { layout: DiskLayout; boot: BootFiles; verity: Verity },
): Promise<string> {
  const { uuid, sizeBytes } = partitionNamed(layout, 'efi');
  const slot = (name: PartitionName) => partitionNamed(layout, name).uuid;
  const slots = { a: slot('system-a'), b: slot('system-b') };
  const isSigned = build.bootSigner !== null;
  const place = { serial: uuid.slice(0, 8), sizeBytes };
  return await bootPartition({ ...build, ...made, ...place, slots, isSigned });
}
