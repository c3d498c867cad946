// hearth image: from a model and settings to a disk that boots, and the manifest beside it.
// Everything that can be wrong with what was asked is found first, then the slow part begins; the
// image appears under its name when it is whole. Whatever is in the way lies in one folder, removed.
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { asOutputError, type OutputFile, openOutput } from '../../terminal/output-file.js';
import { surveyImage } from '../block-map.js';
import { MANIFEST_SUFFIX, manifestText } from '../manifest.js';
import { unsafePathReason } from '../safe-path.js';
import { SIGNATURE_SUFFIX, signText } from '../signature.js';
import { SIGNING_TOOLS } from './boot-signer.js';
import type { ImageBuild, ImageOptions } from './build.js';
import { checkTools, runTool } from './debian-tools.js';
import { type FittedModel, fitToDevice } from './fit-check.js';
import { gatherSystem } from './gather-system.js';
import { IMAGE_MACHINES, ImageError } from './image-machine.js';
import { imageManifest, sha256Of } from './image-manifest.js';
import { makePartitions, type Partitions } from './partition-files.js';
import {
  type DiskLayout,
  freeRanges,
  type PartitionName,
  partitionNamed,
  partitionTable,
} from './partitions.js';

export type ImageSummary = {
  output: string;
  manifest: string;
  sizeBytes: number;
  /** all but the model's partitions */
  sizeWithoutModelBytes: number;
  layout: DiskLayout;
  fitted: FittedModel;
};

const CHUNK_BYTES = 1 << 20;

/** Rejects with ImageError, PayloadError, OutputError, SignatureError, or what was wrong with the model. */
export async function buildImage(options: ImageOptions): Promise<ImageSummary> {
  const { model, output, bootSigner, onStep = () => {} } = options;
  checkName(model);
  onStep('checking the model against the memory of the device');
  const fitted = await fitToDevice(model, options);
  await checkTools(IMAGE_MACHINES[options.target], bootSigner ? SIGNING_TOOLS : []);
  await (await openOutput(output, { inputs: [model], force: options.force ?? false })).discard();
  const folder = await mkdtemp(path.join(path.dirname(path.resolve(output)), '.hearth-image-'));
  try {
    const build = await gather({ ...options, onStep }, { fitted, folder });
    onStep('packing the system');
    const partitions = await makePartitions(build);
    return await writeImage(build, partitions);
  } catch (error) {
    throw asOutputError(error, output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** It becomes one in a partition and in the unit. */
function checkName(model: string): void {
  const name = path.basename(model);
  const reason = unsafePathReason(name);
  if (reason) throw new ImageError(`the model's name ${JSON.stringify(name)} ${reason}`);
}

/** Debian, hearth and what the model is: all that the image is made of. */
async function gather(
  options: ImageOptions & Pick<ImageBuild, 'onStep'>,
  found: Pick<ImageBuild, 'fitted' | 'folder'>,
): Promise<ImageBuild> {
  const { settings, model, signal, onStep } = options;
  const { hasWifi } = settings;
  const system = await gatherSystem({ ...options, hasWifi, folder: found.folder });
  onStep('hashing the model');
  const modelSha256 = await sha256Of(model, signal);
  return { ...options, ...found, ...system, modelSha256 };
}

async function writeImage(build: ImageBuild, partitions: Partitions): Promise<ImageSummary> {
  const { model, output, force = false, signal, onStep } = build;
  const { layout, content, files } = partitions;
  onStep('writing the image');
  const disk = await openOutput(output, { sizeBytes: layout.sizeBytes, inputs: [model], force });
  try {
    await writeDisk(disk.handle, layout, files, signal);
    onStep('hashing the image');
    const written = `/proc/self/fd/${disk.handle.fd}`;
    const survey = await surveyImage(written, { free: freeRanges(layout, content), signal });
    await nameAll(disk, build, manifestText(imageManifest(build, survey)));
  } finally {
    await disk.discard();
  }
  return summary(build, layout);
}

/** Fills `disk`, which is as long as the layout says and all zeros; runs of zeros stay holes in it. */
async function writeDisk(
  disk: FileHandle,
  layout: DiskLayout,
  contents: Partial<Record<PartitionName, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const table = ['--quiet', '--no-reread', '--no-tell-kernel', '/dev/fd/3'];
  await runTool('sfdisk', table, { input: partitionTable(layout), file: disk.fd, signal });
  for (const [name, file] of Object.entries(contents) as [PartitionName, string][])
    await copyInto(disk, partitionNamed(layout, name).startBytes, file, signal);
}

async function copyInto(
  disk: FileHandle,
  startBytes: number,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using source = await open(file);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let position = startBytes; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await source.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return;
    const bytes = chunk.subarray(0, bytesRead);
    if (!bytes.equals(zeros.subarray(0, bytesRead)))
      await disk.write(bytes, 0, bytesRead, position);
    position += bytesRead;
  }
}

/** The image and what stands beside it get their names when all of them are written. */
async function nameAll(disk: OutputFile, { output, signingKey }: ImageBuild, text: string) {
  const manifest = output + MANIFEST_SUFFIX;
  const beside: [file: string, content: string | Buffer][] = [[manifest, text]];
  if (signingKey) beside.push([manifest + SIGNATURE_SUFFIX, signText(text, signingKey)]);
  const files: OutputFile[] = [];
  try {
    for (const [file, content] of beside) {
      const opened = await openOutput(file, { inputs: [], force: true });
      files.push(opened);
      await opened.handle.writeFile(content);
    }
    // One of an image that was here before says nothing of this one.
    if (!signingKey) await rm(manifest + SIGNATURE_SUFFIX, { force: true });
    for (const file of [disk, ...files]) await file.commit();
  } finally {
    for (const file of files) await file.discard();
  }
}

function summary({ output, fitted }: ImageBuild, layout: DiskLayout): ImageSummary {
  const { sizeBytes, partitions } = layout;
  const models = partitions.filter(({ name }) => name.startsWith('model-'));
  const modelBytes = models.reduce((sum, model) => sum + model.sizeBytes, 0);
  return {
    output,
    manifest: output + MANIFEST_SUFFIX,
    sizeBytes,
    layout,
    fitted,
    sizeWithoutModelBytes: sizeBytes - modelBytes,
  };
}
