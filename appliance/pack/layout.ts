// What lies where in a bundle, and where that goes on the device.
// One folder at the top, so that unpacking litters nothing; the manifest first, so that whoever reads
// the bundle as it streams by knows what to expect.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PAYLOAD_CLI, PAYLOAD_NODE, type PayloadFile } from '../payload/payload.js';
import { bundleUnit } from './bundle-unit.js';
import type { PackedConfig } from './packed-config.js';

/** The folder at the top of the archive. */
export const TOP_FOLDER = 'hearth-bundle';
export const MANIFEST_NAME = 'manifest.json';
/** Of hearth itself. */
const APP = 'app';

/** As install.sh makes it. */
const HOME = '/opt/hearth/current';
const DEVICE_CONFIG_PATH = '/etc/hearth/config.json';

/** A file of the bundle, from a file here or from a text. */
export type BundleEntry = { path: string; mode: number } & (
  | { kind: 'file'; source: string }
  | { kind: 'text'; text: string }
);

export type LayoutRequest = {
  model: string;
  config: PackedConfig;
  hasVulkan: boolean;
  /** Of hearth, from its own folder on. */
  files: PayloadFile[];
};

/** All but the lists of files, sorted by path. */
export async function layOut(request: LayoutRequest): Promise<BundleEntry[]> {
  const { model, config, hasVulkan, files } = request;
  const unitText = bundleUnit({
    nodePath: `${HOME}/${APP}/${PAYLOAD_NODE}`,
    cliPath: `${HOME}/${APP}/${PAYLOAD_CLI}`,
    modelPath: `${HOME}/${modelPathOf(model)}`,
    configPath: DEVICE_CONFIG_PATH,
    config: config.options,
    hasVulkan,
  });
  const script = async (name: string) =>
    textEntry(name, await readFile(new URL(name, import.meta.url), 'utf8'), 0o755);
  return sorted([
    ...files.map(appEntry),
    textEntry('config.json', config.text),
    textEntry('hearth.service', unitText),
    await script('install.sh'),
    fileEntry(modelPathOf(model), model),
    await script('uninstall.sh'),
  ]);
}

/** By code unit, which no locale changes. */
export function sorted(entries: BundleEntry[]): BundleEntry[] {
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export function textEntry(path: string, text: string, mode = 0o644): BundleEntry {
  return { kind: 'text', path, text, mode };
}

export function modelPathOf(model: string): string {
  return `model/${path.basename(model)}`;
}

/** Only the program is one; who installs gives everything else the same mode. */
function appEntry({ path, source }: PayloadFile): BundleEntry {
  return fileEntry(`${APP}/${path}`, source, path === PAYLOAD_NODE ? 0o755 : 0o644);
}

function fileEntry(path: string, source: string, mode = 0o644): BundleEntry {
  return { kind: 'file', path, source, mode };
}
