// The manifest beside an image: what hearth flash checks, and what the image was built from.
// Keys and names of networks stay out of it, as a manifest is passed around.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { hearthVersion } from '../../terminal/version.js';
import type { ImageSurvey } from '../block-map.js';
import type { ImageManifest } from '../manifest.js';
import type { ImageBuild } from './build.js';

export function imageManifest(build: ImageBuild, survey: ImageSurvey): ImageManifest {
  const { output, target } = build;
  const { size_bytes, sha256, block_map } = survey;
  return {
    kind: 'hearth-image',
    version: 1,
    hearth: hearthVersion(),
    target,
    image: { path: path.basename(output), size_bytes, sha256 },
    block_map,
    contents: contentsOf(build),
  };
}

function contentsOf(build: ImageBuild) {
  const { model, modelSha256, settings, fitted, base, hearth, epoch, release, bootSigner } = build;
  const { sshKeys, wifi, apiKeys, updateCa, updateUrl, hawkbit, updateHour, patienceMs, ...named } =
    settings;
  const has = {
    ...{ wifi: wifi !== null, ssh: sshKeys.length > 0, api_key: apiKeys.length > 0 },
    updates: updateCa !== null,
    ...(bootSigner && { secure_boot: 'own key' }),
  };
  return {
    release,
    dated: new Date(epoch * 1000).toISOString(),
    model: { path: path.basename(model), sha256: modelSha256, n_ctx: fitted.nCtx },
    memory: { needed_bytes: fitted.neededBytes, service_max_bytes: fitted.memoryMaxBytes },
    device: { ...named, ...has },
    debian_packages: base.packages,
    npm_packages: hearth.packages,
  };
}

/** Lowercase hexadecimal. */
export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { ...(signal && { signal }) }))
    hash.update(chunk);
  return hash.digest('hex');
}
