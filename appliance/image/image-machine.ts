// The machines that an image is for: 64-bit PCs and boards that start by UEFI.
// A table, because Debian, npm and UEFI each spell an architecture in their own way.
import type { BundleTarget, ImageTarget } from '../manifest.js';

export type ImageMachine = {
  payload: BundleTarget;
  /** as Debian has it */
  architecture: 'amd64' | 'arm64';
  kernelPackage: string;
  /** systemd-boot in Debian's package, and its name on the EFI partition where firmware looks first */
  loader: { debian: string; efi: string };
  /** the machine's serial port, as the kernel calls it */
  serial: string;
  /** qemu-user's name of the architecture, for building it on another one */
  emulator: string;
};

export const IMAGE_MACHINES: Record<ImageTarget, ImageMachine> = {
  'x64-uefi': {
    payload: 'linux-x64',
    architecture: 'amd64',
    kernelPackage: 'linux-image-amd64',
    loader: { debian: 'systemd-bootx64.efi', efi: 'BOOTX64.EFI' },
    serial: 'ttyS0',
    emulator: 'x86_64',
  },
  'arm64-uefi': {
    payload: 'linux-arm64',
    architecture: 'arm64',
    kernelPackage: 'linux-image-arm64',
    loader: { debian: 'systemd-bootaa64.efi', efi: 'BOOTAA64.EFI' },
    serial: 'ttyAMA0',
    emulator: 'aarch64',
  },
};

/** An image cannot be built as asked, or with what is here; the message says what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code = 'HEARTH_IMAGE';
}
