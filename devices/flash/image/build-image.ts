// hearth image: from a model and settings to a disk that boots, and the manifest beside it.
// Everything that can be wrong with what was asked is found first, then the slow part begins; the
// image appears under its name when it is whole. Whatever is in the way lies in one folder, removed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { openOutput } from '../../output-file.js';
import { hearthVersion } from '../../version.js';
import { surveyImage } from '../block-map.js';
import {
  type ImageManifest,
  type ImageTarget,
  MANIFEST_SUFFIX,
  manifestText,
} from '../manifest.js';
import { type Payload, payload } from '../payload/index.js';
import { bootPartition, bootPartitionBytes } from './boot-partition.js';
import { configFiles, MODEL_FOLDER } from './config-files.js';
import { dataPartition, modelPartition } from './data-partition.js';
import { type DebianBase, debianBase } from './debian-base.js';
import { writeDisk } from './disk.js';
import { type FittedModel, fitToDevice } from './fit-check.js';
import {
  type ContentBytes,
  type DiskLayout,
  diskLayout,
  freeRanges,
  partitionNamed,
} from './partitions.js';
import type { DeviceSettings } from './settings.js';
import { systemSlot } from './system-slot.js';
import { IMAGE_MACHINES } from './target.js';
import { checkTools } from './tools.js';
import { uuidsFrom } from './uuids.js';

export type ImageOptions = {
  model: string;
  target: ImageTarget;
  output: string;
  force?: boolean;
  settings: DeviceSettings;
  /** of the device, all of it */
  memoryBytes: number;
  nCtx?: number | undefined;
  /** the text of hearth.service for what was found to fit */
  unit: (found: UnitInputs) => string;
  mirror?: string;
  /** seconds since 1970 that the files of the image are dated with */
  epoch?: number;
  signal?: AbortSignal;
  onStep?: (step: string) => void;
};

export type UnitInputs = FittedModel & { settings: DeviceSettings; modelPath: string };

export type ImageSummary = {
  output: string;
  manifest: string;
  sizeBytes: number;
  /** all but the model's partition */
  sizeWithoutModelBytes: number;
  layout: DiskLayout;
  fitted: FittedModel;
};

export const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** Rejects with ImageError, PayloadError, OutputError, or what was wrong with the model. */
export async function buildImage(options: ImageOptions): Promise<ImageSummary> {
  const { model, target, output, force = false, settings, signal, onStep = () => {} } = options;
  const machine = IMAGE_MACHINES[target];
  onStep('checking the model against the memory of the device');
  const fitted = await fitToDevice(model, options);
  await checkTools(machine);
  await (await openOutput(output, { inputs: [model], force })).discard();
  const epoch = options.epoch ?? startOfDay();
  const folder = await mkdtemp(path.join(path.dirname(path.resolve(output)), '.hearth-image-'));
  try {
    onStep('installing Debian');
    const mirror = options.mirror ?? DEFAULT_MIRROR;
    const base = await debianBase({ machine, settings, mirror, epoch, ...(signal && { signal }) });
    onStep('gathering hearth and Node');
    const hearth = await payload(machine.payload, { signal });
    const build = { ...options, fitted, epoch, folder, base, hearth, onStep };
    return await assemble(build);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Build = ImageOptions & {
  fitted: FittedModel;
  epoch: number;
  folder: string;
  base: DebianBase;
  hearth: Payload;
  onStep: (step: string) => void;
};

async function assemble(build: Build): Promise<ImageSummary> {
  const { model, output, force = false, epoch, folder, signal, onStep, base, target } = build;
  const where = { epoch, folder, signal };
  onStep('hashing the model');
  const modelHash = await sha256(model);
  const uuidOf = uuidsFrom(seedOf(build, modelHash));
  // Sizes are needed for the layout, and the layout's UUIDs for the system; so those come first.
  const draft = diskLayout({ efi: 0, system: 0, model: 0 }, uuidOf);
  onStep('packing the system');
  const config = configFiles({ ...configInputs(build, draft), damagedUuid: uuidOf('damaged') });
  const system = await systemSlot({ ...where, base, payload: build.hearth, config });
  const models = await modelPartition(model, where);
  const content: ContentBytes = {
    efi: await bootPartitionBytes(base),
    system: (await stat(system)).size,
    model: (await stat(models)).size,
  };
  const layout = diskLayout(content, uuidOf);
  const contents = {
    efi: await efiOf(build, layout),
    'system-a': system,
    'system-b': system,
    model: models,
    data: await dataPartition(partitionNamed(layout, 'data'), where),
  };
  onStep('writing the image');
  const disk = await openOutput(output, { sizeBytes: layout.sizeBytes, inputs: [model], force });
  try {
    await writeDisk(disk.handle, layout, contents, signal);
    onStep('hashing the image');
    const survey = await surveyImage(
      `/proc/self/fd/${disk.handle.fd}`,
      freeRanges(layout, content),
    );
    const image = {
      path: path.basename(output),
      size_bytes: survey.size_bytes,
      sha256: survey.sha256,
    };
    const manifest: ImageManifest = {
      ...{ kind: 'hearth-image', version: 1, hearth: hearthVersion(), target },
      ...{ image, block_map: survey.block_map, contents: contentsOf(build, modelHash) },
    };
    await disk.commit();
    return await summarise(build, layout, manifest);
  } finally {
    await disk.discard();
  }
}

function configInputs({ model, settings, fitted, unit }: Build, layout: DiskLayout) {
  const modelPath = path.posix.join(MODEL_FOLDER, path.basename(model));
  const modelName = path.basename(model).replace(/\.gguf$/, '');
  return { settings, layout, modelName, unit: unit({ ...fitted, settings, modelPath }) };
}

async function efiOf(build: Build, layout: DiskLayout): Promise<string> {
  const { base, epoch, folder, signal, target } = build;
  const { uuid, sizeBytes } = partitionNamed(layout, 'efi');
  const [a, b] = [partitionNamed(layout, 'system-a').uuid, partitionNamed(layout, 'system-b').uuid];
  return await bootPartition({
    ...{ base, machine: IMAGE_MACHINES[target], slots: { a, b } },
    ...{ serial: uuid.slice(0, 8), sizeBytes, epoch, folder, signal },
  });
}

/** Whatever makes two images different but their passwords, which no UUID should tell. */
function seedOf(
  { target, settings, base, hearth, fitted, epoch }: Build,
  modelHash: string,
): string {
  const { hostname, timezone, port } = settings;
  const same = [target, hostname, timezone, port, fitted.nCtx, epoch, modelHash];
  return JSON.stringify([...same, base.packages, hearth.packages]);
}

/** Keys and names of networks stay out of it: a manifest is passed around. */
function contentsOf({ model, settings, fitted, base, hearth, epoch }: Build, modelHash: string) {
  return {
    built_at: new Date(epoch * 1000).toISOString(),
    model: { path: path.basename(model), sha256: modelHash, n_ctx: fitted.nCtx },
    memory: { needed_bytes: fitted.neededBytes, service_max_bytes: fitted.memoryMaxBytes },
    device: {
      ...{ hostname: settings.hostname, timezone: settings.timezone, port: settings.port },
      ...{ ssh: settings.sshKeys.length > 0, wifi: settings.wifi !== null },
      api_key: settings.apiKeys.length > 0,
    },
    debian_packages: base.packages,
    npm_packages: hearth.packages,
  };
}

async function summarise(
  { output, fitted }: Build,
  layout: DiskLayout,
  manifest: ImageManifest,
): Promise<ImageSummary> {
  const file = await openOutput(output + MANIFEST_SUFFIX, { inputs: [], force: true });
  try {
    await file.handle.writeFile(manifestText(manifest));
    await file.commit();
  } finally {
    await file.discard();
  }
  const { sizeBytes } = layout;
  return {
    ...{ output, manifest: output + MANIFEST_SUFFIX, sizeBytes, layout, fitted },
    sizeWithoutModelBytes: sizeBytes - partitionNamed(layout, 'model').sizeBytes,
  };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** In UTC, in seconds: builds of one day from the same packages are the same. */
function startOfDay(): number {
  const day = 24 * 60 * 60;
  return Math.floor(Date.now() / 1000 / day) * day;
}
