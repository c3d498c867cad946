// Makes a bundle of a model and of this installation of hearth, for a device of some target.
// Gathers the parts and hands them to the writer; what was fetched or built stays in the cache.
// The unit is the caller's, as it is runtime/'s to say how hearth is served.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readGgufFile } from '../../gguf-file.js';
import { hearthVersion } from '../../version.js';
import type { BundleManifest, BundleTarget } from '../manifest.js';
import { type PayloadOptions, payload } from '../payload/index.js';
import { unsafePathReason } from '../safe-path.js';
import { readSigningKey } from '../signature.js';
import { BundleError } from './bundle-error.js';
import { writeBundle } from './bundle-writer.js';
import { type DevicePaths, layOut, modelPathOf } from './layout.js';

export type PackRequest = {
  model: string;
  target: BundleTarget;
  output: string;
  unit: (paths: DevicePaths) => string;
  /** JSON of options of `hearth serve`. */
  configFile?: string | undefined;
  /** Ed25519, in PEM. */
  keyFile?: string | undefined;
  force?: boolean;
  /** Another level gives other bytes. */
  zstdLevel?: number;
  signal?: AbortSignal;
  onWarning?(text: string): void;
  onBytes?(bytesDone: number, totalBytes: number): void;
  /** Where hearth and what it needs come from. */
  from?: Omit<PayloadOptions, 'signal'>;
};

export type PackedBundle = { manifest: BundleManifest; contentBytes: number };

/** Throws BundleError, GgufFileError, OutputError, PayloadError or SignatureError; nothing is left then. */
export async function pack(request: PackRequest): Promise<PackedBundle> {
  const { model, target, output, configFile, keyFile, from = {} } = request;
  const { signal = new AbortController().signal } = request;
  await checkModel(model);
  const signing = keyFile === undefined ? null : await readSigningKey(keyFile);
  if (signing?.warning) request.onWarning?.(signing.warning);
  const config = configFile === undefined ? '{}\n' : await readConfig(configFile);
  const { files } = await payload(target, { ...from, signal });
  const entries = await layOut({ model, config, payload: files, unit: request.unit });
  const hearth = hearthVersion();
  return await writeBundle({
    entries,
    manifest: { kind: 'hearth-bundle', version: 1, hearth, target, model: modelPathOf(model) },
    signingKey: signing?.key ?? null,
    output,
    inputs: [model, ...(configFile ? [configFile] : []), ...(keyFile ? [keyFile] : [])],
    force: request.force ?? false,
    zstdLevel: request.zstdLevel,
    signal,
    onBytes: request.onBytes ?? (() => {}),
  });
}

/** Its name becomes one in the archive and in the unit. */
async function checkModel(model: string): Promise<void> {
  await readGgufFile(model);
  const name = path.basename(model);
  const reason = unsafePathReason(name);
  if (reason) throw new BundleError(`the model's name ${JSON.stringify(name)} ${reason}`);
}

async function readConfig(file: string): Promise<string> {
  const fail = (problem: string) =>
    new BundleError(`the config ${file} cannot be packed: ${problem}`);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw fail(error.message);
  });
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return text;
  } catch (error) {
    throw fail((error as Error).message);
  }
  throw fail('it holds no JSON object');
}
