// What the boot test runs beside Node, image building included: all that is missing is named at once,
// or installed where --install-tools allows it.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { type DebianTool, missingPackages } from '../../appliance/image/debian-tools.js';
import { IMAGE_MACHINES } from '../../appliance/image/image-machine.js';
import type { ImageTarget } from '../../appliance/manifest.js';
import { machineTools } from './virtual-machine.js';

/** Of make-disk.ts, device.ts and data-on-disk.ts. */
const TOOLS: DebianTool[] = [
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['losetup', 'mount'],
  ['sfdisk', 'fdisk'],
  ['e2fsck', 'e2fsprogs'],
  ['debugfs', 'e2fsprogs'],
];

/** On the command lines of what boots images. */
export const TOOL_OPTIONS = {
  'install-tools': {
    describe: "Bring Debian's programs that are missing, by apt-get",
    type: 'boolean',
    default: false,
  },
} as const;

/** Rejects with the one command that helps where packages are missing. */
export async function prepareTools(
  target: ImageTarget,
  install: boolean,
  more: DebianTool[] = [],
): Promise<void> {
  const missing = () =>
    missingPackages(IMAGE_MACHINES[target], [...TOOLS, ...more, ...machineTools(target)]);
  const packages = await missing();
  if (packages.length > 0 && install) aptGet(packages);
  const left = await missing();
  if (left.length === 0) return;
  throw new Error(
    `programs are missing; run apt-get install --no-install-recommends ${left.join(' ')}, or pass --install-tools`,
  );
}

/** As root, which the loop device takes, too. */
function aptGet(packages: string[]): void {
  const options: ExecFileSyncOptions = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  };
  execFileSync('apt-get', ['-qq', 'update'], options);
  const words = ['-qq', 'install', '--yes', '--no-install-recommends', ...packages];
  execFileSync('apt-get', words, options);
}
