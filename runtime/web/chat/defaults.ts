// What the server chooses where a setting is left to it, asked once.
import { askJson } from '../shared/server-client.js';
import { field } from '../shared/server-error.js';
import type { SamplingSettings } from './conversation.js';
import { readSettingsValue } from './settings.js';

let asked: Promise<SamplingSettings> | null = null;

/** Empty where the server does not say. */
export function readDefaults(): Promise<SamplingSettings> {
  asked ??= askModel().catch(() => {
    asked = null;
    return {};
  });
  return asked;
}

async function askModel(): Promise<SamplingSettings> {
  const data = field(await askJson('v1/models'), 'data');
  const meta = field(Array.isArray(data) ? data[0] : null, 'meta');
  return readSettingsValue({ sampling: field(meta, 'default_sampling') }).sampling;
}
