// What a system is made of: Debian as its mirror has it, and hearth as it runs here.
// The same for an image and for an update, so that the one becomes the other.
import { payload } from '../payload/payload.js';
import type { ImageOptions, SystemBuild } from './build.js';
import { debianBase } from './debian-base.js';
import { IMAGE_MACHINES } from './image-machine.js';

export const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

export type GatherOptions = Pick<
  SystemBuild,
  'target' | 'hasWifi' | 'bootSigner' | 'release' | 'epoch' | 'folder' | 'signal'
> &
  Pick<ImageOptions, 'mirror' | 'onStep'>;

/** Rejects with ImageError or PayloadError. */
export async function gatherSystem(options: GatherOptions): Promise<SystemBuild> {
  const { mirror = DEFAULT_MIRROR, onStep = () => {}, ...asked } = options;
  const machine = IMAGE_MACHINES[asked.target];
  onStep('installing Debian');
  const isSigned = asked.bootSigner !== null;
  const base = await debianBase({ ...asked, isSigned, machine, mirror });
  onStep('gathering hearth and Node');
  const { signal } = asked;
  const hearth = await payload(machine.payload, { signal });
  return { ...asked, machine, base, hearth };
}
