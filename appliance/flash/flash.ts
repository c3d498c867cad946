// Writes an image to a disk as careful tools do: check, ask, unmount, probe, write, read back, and make
// it bootable last. Whatever stops this in between leaves a disk that does not boot.
import type { KeyObject } from 'node:crypto';
import type { ImageTarget } from '../manifest.js';
import { wipeAndProbe } from './capacity.js';
import { type CheckedImage, checkImage } from './checked-image.js';
import { type Ejection, eject, rereadPartitions, unmountAll } from './detach.js';
import { type DeviceFile, openTarget } from './device-file.js';
import { FlashError } from './flash-error.js';
import { type SystemView, THIS_SYSTEM } from './system-view.js';
import { type FlashTarget, findTarget, refuseOther } from './target-device.js';
import { readBack, writeAllButStart, writeStart } from './write-image.js';

export type FlashStep = 'check' | 'write' | 'verify';
export type FlashProgress = {
  step: FlashStep;
  bytesDone: number;
  /** Null where a compressed image does not say. */
  totalBytes: number | null;
};

export type FlashPlan = {
  target: FlashTarget;
  image: CheckedImage;
  /** Of the image, without what its block map leaves out. */
  writeBytes: number;
};

export type FlashRequest = {
  imagePath: string;
  /** As the user named it. */
  deviceName: string;
  /** Of who has to have signed the manifest. */
  publicKey?: KeyObject | null;
  /** What the image has to be for. */
  imageTarget?: ImageTarget | null | undefined;
  /** Whether to go on; nothing is written before it is true. */
  confirm(plan: FlashPlan): Promise<boolean>;
  shouldEject?: boolean;
  signal?: AbortSignal;
  onProgress?(progress: FlashProgress): void;
  view?: SystemView;
};

export type FlashResult = FlashPlan & {
  writeMs: number;
  verifyMs: number;
  /** Null where it was not asked for. */
  ejection: Ejection | null;
};

/** Throws {@link FlashError}, ManifestError, SignatureError or the signal's reason. */
export async function flash(request: FlashRequest): Promise<FlashResult> {
  const plan = await planFlash(request);
  if (!(await request.confirm(plan)))
    throw new FlashError('not-confirmed', 'nothing was written, as the name was not typed');
  request.signal?.throwIfAborted();
  // The user may have taken a while, in which a desktop mounts and people swap cards.
  const target = findTarget({ ...targetRequest(request), sizeBytes: plan.image.sizeBytes });
  refuseOther(plan.target, target.device);
  await unmountAll(target);
  const device = await openTarget(target, request.view ?? THIS_SYSTEM);
  const times = await writeAndVerify(request, { ...plan, device }).finally(() => device.close());
  const shouldEject = request.shouldEject ?? true;
  const ejection = shouldEject ? await eject(target) : null;
  if (!ejection || ejection.kind === 'kept') await rereadPartitions(target);
  return { ...plan, ...times, ejection };
}

/** Everything that is looked at before a first write. */
export async function planFlash(request: Omit<FlashRequest, 'confirm'>): Promise<FlashPlan> {
  const target = findTarget({ ...targetRequest(request), sizeBytes: 0 });
  const { imagePath, publicKey = null, imageTarget = null } = request;
  const image = await checkImage({
    path: imagePath,
    publicKey,
    target: imageTarget,
    limitBytes: target.device.sizeBytes,
    signal: signalOf(request),
    onBytes: (bytesDone, totalBytes) =>
      request.onProgress?.({ step: 'check', bytesDone, totalBytes }),
  });
  const sizes = image.spans.map(({ startBytes, endBytes }) => endBytes - startBytes);
  return { target, image, writeBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function writeAndVerify(
  request: FlashRequest,
  { image, device, writeBytes }: FlashPlan & { device: DeviceFile },
): Promise<{ writeMs: number; verifyMs: number }> {
  const signal = signalOf(request);
  const context = (step: FlashStep) => ({
    image,
    device,
    signal,
    onBytes: (bytesDone: number) =>
      request.onProgress?.({ step, bytesDone, totalBytes: writeBytes }),
  });
  await wipeAndProbe(device, signal);
  const begun = performance.now();
  const start = await writeAllButStart(context('write'));
  const written = performance.now();
  await readBack(context('verify'), start);
  signal.throwIfAborted();
  await writeStart(context('write'), start);
  return { writeMs: written - begun, verifyMs: performance.now() - written };
}

function targetRequest({
  deviceName,
  imagePath,
  view = THIS_SYSTEM,
}: Omit<FlashRequest, 'confirm'>) {
  const program = process.argv[1];
  const files = [
    { path: imagePath, what: 'the image' },
    { path: process.execPath, what: 'the program that runs this' },
    ...(program ? [{ path: program, what: 'hearth itself' }] : []),
  ];
  return { name: deviceName, files, view };
}

function signalOf({ signal }: { signal?: AbortSignal }): AbortSignal {
  return signal ?? new AbortController().signal;
}
