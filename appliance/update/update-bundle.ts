// A signed bundle of RAUC: the parts of a device that change, as images of its partitions.
// In RAUC's verity format, so that a device checks each block as it streams it, and with an index of the
// hashes of all blocks, so that it fetches only those that it has not. RAUC itself writes and signs it.
import { mkdir, mkdtemp, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { SIGNING_TOOLS } from '../image/boot-signer.js';
import type { ImageOptions } from '../image/build.js';
import { modelPartition } from '../image/data-partition.js';
import type { SystemFeatures } from '../image/debian-packages.js';
import { checkPrograms, checkTools, type DebianTool, runTool } from '../image/debian-tools.js';
import { fitToDevice } from '../image/fit-check.js';
import { gatherSystem } from '../image/gather-system.js';
import { IMAGE_MACHINES } from '../image/image-machine.js';
import { compatibleOf } from '../image/rauc-config.js';
import { systemSlot } from '../image/system-slot.js';
import { checkSigner } from './signer.js';
import { UpdateError } from './update-error.js';

export type UpdateBundleOptions = SystemFeatures &
  Pick<
    ImageOptions,
    'target' | 'release' | 'memoryBytes' | 'nCtx' | 'mirror' | 'epoch' | 'bootSigner'
  > & {
    /** null where the devices keep theirs */
    model: string | null;
    /** Debian as it is now, and this hearth; without, the devices keep theirs */
    hasSystem: boolean;
    /** X.509 in PEM, and its private key; a file or a PKCS#11 URL */
    cert: string;
    key: string;
    output: string;
    force?: boolean | undefined;
    signal?: AbortSignal | undefined;
    onStep?: (step: string) => void;
  };

export type UpdatePart = { name: string; sizeBytes: number };
export type UpdateBundleSummary = {
  output: string;
  sizeBytes: number;
  compatible: string;
  release: string;
  parts: UpdatePart[];
};

const PROGRAMS: DebianTool[] = [
  ['rauc', 'rauc'],
  // RAUC runs it, too.
  ['mksquashfs', 'squashfs-tools'],
];
/** Its images are packed or incompressible already; in small pieces, as a device fetches whole ones. */
const SQUASHFS = '-noI -noD -noF -noX -b 64k';

/** Rejects with UpdateError, ImageError, OutputError, or what was wrong with the model. */
export async function buildUpdateBundle(
  options: UpdateBundleOptions,
): Promise<UpdateBundleSummary> {
  const { output, model, hasSystem, cert, key, force = false, target, release } = options;
  const { bootSigner, isSigned } = options;
  if (model === null && !hasSystem)
    throw new UpdateError('an update of nothing; name a model, or pass --system, or both');
  if ((hasSystem && isSigned) !== (bootSigner !== null))
    throw new UpdateError(
      bootSigner === null
        ? 'devices of --secure-boot start no system that is not signed; pass --secure-boot-key and --secure-boot-cert'
        : '--secure-boot-key signs a system; pass --system, too, or --secure-boot alone with a model',
    );
  await checkPrograms(PROGRAMS, 'RAUC makes the bundle, and some of its programs are missing');
  if (hasSystem) await checkTools(IMAGE_MACHINES[target], bootSigner ? SIGNING_TOOLS : []);
  await checkSigner(cert, key);
  const inputs = [cert, key, ...(model === null ? [] : [model])];
  const bundle = await openOutput(output, { inputs, force });
  const folder = await mkdtemp(path.join(path.dirname(path.resolve(output)), '.hearth-update-'));
  try {
    const parts = await makeParts(folder, options);
    const signed = await sign(folder, parts, options);
    await rename(signed, bundle.temporaryPath);
    await bundle.commit();
    const { size } = await stat(output);
    return { output, sizeBytes: size, compatible: compatibleOf(target, options), release, parts };
  } catch (error) {
    throw asOutputError(error, output);
  } finally {
    await bundle.discard();
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a folder of their own, as RAUC packs whatever lies in it. */
async function makeParts(folder: string, options: UpdateBundleOptions): Promise<UpdatePart[]> {
  const content = path.join(folder, CONTENT);
  await mkdir(content);
  const parts: UpdatePart[] = [];
  const add = async (name: string, image: string) => {
    const { size } = await stat(image);
    await rename(image, path.join(content, imageOf(name)));
    parts.push({ name, sizeBytes: size });
  };
  const { model, hasSystem } = options;
  if (model !== null) await add('model', await modelPart(model, folder, options));
  if (hasSystem)
    await add('system', (await systemSlot(await gatherSystem({ ...options, folder }))).path);
  return parts;
}

/** Of a model that fits the devices' memory. */
async function modelPart(
  model: string,
  folder: string,
  { epoch, release, signal, onStep = () => {}, ...device }: UpdateBundleOptions,
): Promise<string> {
  onStep('checking the model against the memory of the devices');
  const { nCtx } = await fitToDevice(model, device);
  onStep('packing the model');
  return await modelPartition(model, { nCtx, release, folder, epoch, signal });
}

const CONTENT = 'content';

/** Its ending tells RAUC to write it as it is. */
function imageOf(part: string): string {
  return `${part}.img`;
}

/** Path of the bundle, which is on the disk. */
async function sign(
  folder: string,
  parts: readonly UpdatePart[],
  { cert, key, signal, onStep = () => {}, ...named }: UpdateBundleOptions,
): Promise<string> {
  const content = path.join(folder, CONTENT);
  await writeFile(path.join(content, 'manifest.raucm'), bundleManifest(parts, named));
  const signed = path.join(folder, 'signed.raucb');
  onStep('signing the bundle');
  const words = ['bundle', `--cert=${cert}`, `--key=${key}`, `--mksquashfs-args=${SQUASHFS}`];
  await runTool('rauc', [...words, content, signed], { signal });
  await using file = await open(signed, 'r');
  await file.sync();
  return signed;
}

/** As RAUC reads it. */
function bundleManifest(
  parts: readonly UpdatePart[],
  {
    target,
    release,
    ...features
  }: SystemFeatures & Pick<UpdateBundleOptions, 'target' | 'release'>,
): string {
  const sections = [
    ['[update]', `compatible=${compatibleOf(target, features)}`, `version=${release}`],
    ['[bundle]', 'format=verity'],
    ...parts.map(({ name }) => [
      ...[`[image.${name}]`, `filename=${imageOf(name)}`, 'adaptive=block-hash-index'],
    ]),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}
