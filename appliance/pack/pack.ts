// Makes a bundle of a model and of this installation of hearth, for a device of some target.
// Gathers the parts and hands them to the writer; what was fetched or built stays in the cache.
import path from 'node:path';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { hearthVersion } from '../../terminal/version.js';
import { BundleError, type BundleTarget } from '../manifest.js';
import { type PayloadOptions, payload } from '../payload/payload.js';
import { unsafePathReason } from '../safe-path.js';
import { readSigningKey } from '../signature.js';
import { type WriteOptions, type WrittenBundle, writeBundle } from './bundle-writer.js';
import { layOut, modelPathOf } from './layout.js';
import { NO_CONFIG, readConfig } from './packed-config.js';

export type PackRequest = WriteOptions & {
  model: string;
  target: BundleTarget;
  /** JSON of options of `hearth serve`. */
  configFile?: string | undefined;
  /** Ed25519, in PEM. */
  keyFile?: string | undefined;
  onWarning?(text: string): void;
} & Omit<PayloadOptions, 'signal'>;

/** Throws BundleError, PayloadError, GgufFileError, OutputError or SignatureError; nothing is left then. */
export async function pack(request: PackRequest): Promise<WrittenBundle> {
  const { model, target, configFile, keyFile } = request;
  await checkModel(model);
  const warn = (text: string) => request.onWarning?.(text);
  const signingKey = keyFile === undefined ? null : await readSigningKey(keyFile, warn);
  const config = configFile === undefined ? NO_CONFIG : await readConfig(configFile);
  const { files } = await payload(target, request);
  const { hasVulkan = false } = request;
  const entries = await layOut({ model, config, hasVulkan, files });
  const hearth = hearthVersion();
  return await writeBundle({
    ...request,
    entries,
    manifest: { kind: 'hearth-bundle', version: 1, hearth, target, model: modelPathOf(model) },
    signingKey,
    inputs: [model, configFile, keyFile].filter((file) => file !== undefined),
  });
}

/** Its name becomes one in the archive and in the unit. */
async function checkModel(model: string): Promise<void> {
  await readGgufFile(model);
  const name = path.basename(model);
  const reason = unsafePathReason(name);
  if (reason) throw new BundleError(`the model's name ${JSON.stringify(name)} ${reason}`);
}
