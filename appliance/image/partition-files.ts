// The contents of each partition as a file, and where on the disk they will lie.
// The system names partitions by UUIDs, which follow from what is built; where they begin follows
// from how large it gets. So UUIDs come first and the layout last.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { bootPartition, bootPartitionBytes } from './boot-partition.js';
import type { ImageBuild } from './build.js';
import { configFiles, MODEL_FOLDER } from './config-files.js';
import { dataPartition, modelPartition } from './data-partition.js';
import { imageUnit } from './image-unit.js';
import {
  type ContentBytes,
  type DiskLayout,
  diskLayout,
  type PartitionName,
  partitionNamed,
  uuidsFrom,
} from './partitions.js';
import { systemSlot } from './system-slot.js';

export type Partitions = {
  layout: DiskLayout;
  content: ContentBytes;
  /** paths */
  files: Record<PartitionName, string>;
};

export async function makePartitions(build: ImageBuild): Promise<Partitions> {
  const uuidOf = uuidsFrom(seedOf(build));
  const system = await slotOf(build, uuidOf);
  const model = await modelPartition(build.model, build);
  const content: ContentBytes = {
    efi: await bootPartitionBytes(build.base),
    system: (await stat(system)).size,
    model: (await stat(model)).size,
  };
  const layout = diskLayout(content, uuidOf);
  const efi = await bootOf(build, layout);
  const data = await dataPartition(partitionNamed(layout, 'data'), build);
  const files = { efi, 'system-a': system, 'system-b': system, model, data };
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
}: ImageBuild): string {
  const { hostname, timezone, port } = settings;
  const asked = [target, hostname, timezone, port, fitted.nCtx, epoch];
  return JSON.stringify([...asked, modelSha256, base.packages, hearth.packages]);
}

async function slotOf(build: ImageBuild, uuidOf: (name: string) => string): Promise<string> {
  const { model, settings, fitted } = build;
  const modelPath = path.posix.join(MODEL_FOLDER, path.basename(model));
  const config = configFiles({
    settings,
    unit: imageUnit({ ...fitted, settings, modelPath }),
    modelName: path.basename(model).replace(/\.gguf$/, ''),
    uuids: { model: uuidOf('model'), data: uuidOf('data'), damaged: uuidOf('damaged') },
  });
  return await systemSlot({ ...build, config });
}

async function bootOf(build: ImageBuild, layout: DiskLayout): Promise<string> {
  const { uuid, sizeBytes } = partitionNamed(layout, 'efi');
  const slot = (name: PartitionName) => partitionNamed(layout, name).uuid;
  const slots = { a: slot('system-a'), b: slot('system-b') };
  return await bootPartition({ ...build, slots, serial: uuid.slice(0, 8), sizeBytes });
}
