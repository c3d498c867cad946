// What an image is asked to be, and what one build of it knows; each step takes of it what it needs.
import type { KeyObject } from 'node:crypto';
import type { ImageTarget } from '../manifest.js';
import type { Payload } from '../payload/payload.js';
import type { BootSigner } from './boot-signer.js';
import type { DebianBase } from './debian-base.js';
import type { DeviceSettings } from './device-settings.js';
import type { FittedModel } from './fit-check.js';
import type { ImageMachine } from './image-machine.js';

export type ImageOptions = {
  model: string;
  target: ImageTarget;
  output: string;
  force?: boolean | undefined;
  settings: DeviceSettings;
  /** version of the system, for updates */
  release: string;
  /** of the device, all of it */
  memoryBytes: number;
  nCtx?: number | undefined;
  mirror?: string | undefined;
  /** seconds since 1970 that the files of the image are dated with */
  epoch: number;
  /** signs the manifest; Ed25519 */
  signingKey?: KeyObject | undefined;
  bootSigner: BootSigner | null;
  signal?: AbortSignal | undefined;
  onStep?: (step: string) => void;
};

/** What a system is made of, whoever the device belongs to. */
export type SystemBuild = {
  target: ImageTarget;
  machine: ImageMachine;
  hasWifi: boolean;
  /** signs what starts it; Debian's signatures without */
  bootSigner: BootSigner | null;
  release: string;
  base: DebianBase;
  hearth: Payload;
  /** seconds since 1970 that its files are dated with */
  epoch: number;
  /** for files that are in the way afterwards */
  folder: string;
  signal?: AbortSignal | undefined;
};

export type ImageBuild = ImageOptions &
  SystemBuild & {
    fitted: FittedModel;
    modelSha256: string;
    onStep: (step: string) => void;
  };

/** What every step is told. */
export type StepOptions = Pick<SystemBuild, 'epoch' | 'folder' | 'signal'>;
