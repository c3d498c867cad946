// A signed bundle of RAUC: the parts of a device that change, as images of its partitions.
// In RAUC's verity format, so that a device checks each block as it streams it, and with an index of the
// hashes of all blocks, so that it fetches only those that it has not. RAUC itself writes and signs it.
import { mkdir, mkdtemp, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { modelPartition } from '../image/data-partition.js';
import { checkPrograms, type DebianTool, runTool } from '../image/debian-tools.js';
import type { ImageTarget } from '../manifest.js';
import { checkSigner } from './signer.js';

/** RAUC's name of the devices that a bundle is for; they refuse any other. */
export function compatibleOf(target: ImageTarget): string {
  return `hearth-${target}`;
}

export type UpdateBundleOptions = {
  target: ImageTarget;
  model: string;
  /** version of what the device then runs */
  release: string;
  /** X.509 in PEM, and its private key; a file or a PKCS#11 URL */
  cert: string;
  key: string;
  output: string;
  force?: boolean | undefined;
  /** seconds since 1970 that the files in its images are dated with */
  epoch: number;
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
  const { output, model, cert, key, force = false, target, release } = options;
  await checkPrograms(PROGRAMS, 'RAUC makes the bundle, and some of its programs are missing');
  await checkSigner(cert, key);
  const bundle = await openOutput(output, { inputs: [model, cert, key], force });
  const folder = await mkdtemp(path.join(path.dirname(path.resolve(output)), '.hearth-update-'));
  try {
    const parts = await makeParts(folder, options);
    const signed = await sign(folder, parts, options);
    await rename(signed, bundle.temporaryPath);
    await bundle.commit();
    const { size } = await stat(output);
    return { output, sizeBytes: size, compatible: compatibleOf(target), release, parts };
  } catch (error) {
    throw asOutputError(error, output);
  } finally {
    await bundle.discard();
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a folder of their own, as RAUC packs whatever lies in it. */
async function makeParts(
  folder: string,
  { model, epoch, signal, onStep = () => {} }: UpdateBundleOptions,
): Promise<UpdatePart[]> {
  const content = path.join(folder, CONTENT);
  await mkdir(content);
  onStep('packing the model');
  await rename(
    await modelPartition(model, { folder, epoch, signal }),
    path.join(content, imageOf('model')),
  );
  return await Promise.all(
    ['model'].map(async (name) => {
      const { size } = await stat(path.join(content, imageOf(name)));
      return { name, sizeBytes: size };
    }),
  );
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
  { target, release }: Pick<UpdateBundleOptions, 'target' | 'release'>,
): string {
  const sections = [
    ['[update]', `compatible=${compatibleOf(target)}`, `version=${release}`],
    ['[bundle]', 'format=verity'],
    ...parts.map(({ name }) => [
      ...[`[image.${name}]`, `filename=${imageOf(name)}`, 'adaptive=block-hash-index'],
    ]),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}
