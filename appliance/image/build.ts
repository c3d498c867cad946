// What an image is asked to be, and what one build of it knows; each step takes of it what it needs.
import type { KeyObject } from 'node:crypto';
import type { ImageTarget } from '../manifest.js';
import type { Payload } from '../payload/payload.js';
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
  /** of the device, all of it */
  memoryBytes: number;
  nCtx?: number | undefined;
  mirror?: string | undefined;
  /** seconds since 1970 that the files of the image are dated with */
  epoch: number;
  /** signs the manifest; Ed25519 */
  signingKey?: KeyObject | undefined;
  signal?: AbortSignal | undefined;
  onStep?: (step: string) => void;
};

export type ImageBuild = ImageOptions & {
  machine: ImageMachine;
  fitted: FittedModel;
  modelSha256: string;
  base: DebianBase;
  hearth: Payload;
  folder: string;
  onStep: (step: string) => void;
};

/** What every step is told; `folder` is for files that are in the way afterwards. */
export type StepOptions = Pick<ImageBuild, 'epoch' | 'folder' | 'signal'>;
