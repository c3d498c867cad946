// Writes an image to a disk as careful tools do: check, ask, unmount, probe, write, read back, and make
// it bootable last. Whatever stops this in between leaves a disk that does not boot.
import { wipeAndProbe } from './capacity.js';
import {
  type CheckedImage,
  checkImage,
  type FlashProgress,
  type ImageRequest,
} from './checked-image.js';
import { type Ejection, eject, rereadPartitions, unmountAll } from './detach.js';
import { type DeviceFile, openTarget } from './device-file.js';
import { FlashError } from './flash-error.js';
import { type SystemView, THIS_SYSTEM } from './system-view.js';
import { type FlashTarget, findTarget, refuseOther } from './target-device.js';
import { readBack, writeAllButStart, writeStart } from './write-image.js';

export type FlashPlan = {
  target: FlashTarget;
  image: CheckedImage;
  /** Of the image, without what its block map leaves out. */
  writeBytes: number;
};

export type FlashRequest = ImageRequest & {
  /** As the user named it. */
  deviceName: string;
  /** Whether to go on; nothing is written before it is true. */
  confirm(plan: FlashPlan): Promise<boolean>;
  shouldEject?: boolean;
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
  const image = await checkImage(request, target.device.sizeBytes);
  const sizes = image.spans.map(({ startBytes, endBytes }) => endBytes - startBytes);
  return { target, image, writeBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function writeAndVerify(
  request: FlashRequest,
  { image, device, writeBytes }: FlashPlan & { device: DeviceFile },
): Promise<{ writeMs: number; verifyMs: number }> {
  const { signal, onProgress } = request;
  const context = (step: FlashProgress['step']) => ({
    image,
    device,
    signal,
    onBytes: (bytesDone: number) => onProgress?.({ step, bytesDone, totalBytes: writeBytes }),
  });
  await wipeAndProbe(device, signal);
  const begun = performance.now();
  const start = await writeAllButStart(context('write'));
  const written = performance.now();
  await readBack(context('verify'), start);
  signal?.throwIfAborted();
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
