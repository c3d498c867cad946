// Kernel, initramfs and command line of a system as one EFI program, which the maker signs: a unified kernel
// image of systemd's stub. The command line has the root hash of the system, so the signature is of all that
// runs; it names no partition, as an update does not know into which slot it goes.
// Not in the squashfs of the system, whose hash it has.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BootSigner, signProgram } from './boot-signer.js';
import type { SystemBuild } from './build.js';
import { withSections } from './efi-program.js';
import { SIGNED_KERNEL, signedCommandLine } from './loader-entry.js';
import type { Verity } from './verity.js';

export type SignedKernelOptions = Pick<
  SystemBuild,
  'base' | 'machine' | 'release' | 'folder' | 'signal'
> & { bootSigner: BootSigner; verity: Verity };

/** Its path. Rejects with ImageError. */
export async function signedKernel(options: SignedKernelOptions): Promise<string> {
  const { base, machine, release, verity, folder, bootSigner, signal } = options;
  const osRelease = `ID=hearth\nNAME=hearth\nVERSION_ID=${release}\n`;
  const program = withSections(await readFile(base.stub as string), [
    { name: '.osrel', content: Buffer.from(osRelease) },
    { name: '.cmdline', content: Buffer.from(signedCommandLine(verity, machine)) },
    { name: '.initrd', content: await readFile(base.initrd) },
    // Last, as a kernel that unpacks itself in place writes behind its end.
    { name: '.linux', content: await readFile(base.kernel) },
  ]);
  const unsigned = path.join(folder, 'unsigned.efi');
  await writeFile(unsigned, program);
  return await signProgram(unsigned, path.join(folder, SIGNED_KERNEL), { ...bootSigner, signal });
}
