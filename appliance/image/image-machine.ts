// The machines that an image is for: 64-bit PCs and boards that start by UEFI.
// A table, because Debian, npm and UEFI each spell an architecture in their own way.
import type { BundleTarget, ImageTarget } from '../manifest.js';

export type ImageMachine = {
  payload: BundleTarget;
  /** as Debian has it */
  architecture: 'amd64' | 'arm64';
  kernelPackage: string;
  /**
   * Their files in Debian's signed packages, and on the EFI partition: shim is what firmware looks for first,
   * and systemd-boot has the name of what shim starts
   */
  shim: { debian: string; efi: string };
  loader: { debian: string; efi: string };
  /** and what the maker signs, where that is asked for: files of Debian's package that nobody has signed */
  unsigned: { loader: string; stub: string };
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
    shim: { debian: 'shimx64.efi.signed', efi: 'BOOTX64.EFI' },
    loader: { debian: 'systemd-bootx64.efi.signed', efi: 'grubx64.efi' },
    unsigned: { loader: 'systemd-bootx64.efi', stub: 'linuxx64.efi.stub' },
    serial: 'ttyS0',
    emulator: 'x86_64',
  },
  'arm64-uefi': {
    payload: 'linux-arm64',
    architecture: 'arm64',
    kernelPackage: 'linux-image-arm64',
    shim: { debian: 'shimaa64.efi.signed', efi: 'BOOTAA64.EFI' },
    loader: { debian: 'systemd-bootaa64.efi.signed', efi: 'grubaa64.efi' },
    unsigned: { loader: 'systemd-bootaa64.efi', stub: 'linuxaa64.efi.stub' },
    serial: 'ttyAMA0',
    emulator: 'aarch64',
  },
};

/** An image cannot be built as asked, or with what is here; the message says what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code = 'HEARTH_IMAGE';
}
