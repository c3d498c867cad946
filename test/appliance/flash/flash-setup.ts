// An image, a disk full of something else and the request to write the one to the other.
// The disk is a loop device; its file shows what really arrived.
// Each test has its own folder, as the devices outlive tap's.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { type ByteRange, surveyImage } from '../../../appliance/block-map.js';
import type { FlashRequest } from '../../../appliance/flash/flash.js';
import { type ImageManifest, manifestText } from '../../../appliance/manifest.js';
import { attachLoop, type LoopDevice } from '../../support/loop-device.js';
import { patternImage } from './pattern-image.js';

export const MiB = 1 << 20;
export const DISK_BYTES = 12 * MiB;
const OLD_BYTE = 0xaa;

export type FlashSetup = { disk: LoopDevice; imagePath: string; request: FlashRequest };

export function setUp(t: Test, imageBytes: number): FlashSetup {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-flash-'));
  const imagePath = path.join(folder, 'disk.img');
  writeFileSync(imagePath, patternImage(imageBytes));
  const file = path.join(folder, 'disk');
  writeFileSync(file, Buffer.alloc(DISK_BYTES, OLD_BYTE));
  const disk = attachLoop(t, file);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const request: FlashRequest = { imagePath, deviceName: disk.path, confirm: async () => true };
  return { disk, imagePath, request };
}

/** Describes the image as it is now; `free` is what nothing reads. */
export async function addManifest(
  imagePath: string,
  free: ByteRange[] = [],
): Promise<ImageManifest> {
  const { block_map, ...image } = await surveyImage(imagePath, { free });
  const manifest: ImageManifest = {
    kind: 'hearth-image',
    version: 1,
    hearth: '0.1.0',
    target: 'x64-uefi',
    image: { path: path.basename(imagePath), ...image },
    block_map,
    contents: {},
  };
  writeFileSync(`${imagePath}.manifest.json`, manifestText(manifest));
  return manifest;
}

export function flipByte(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

export function isZero(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length));
}

/** As the disk was before. */
export function isOld(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length, OLD_BYTE));
}
