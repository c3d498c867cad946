// What the server chooses where a setting is left to it, asked once.
import { askJson } from '../shared/server-client.js';
import { field } from '../shared/server-error.js';
import type { SamplingSettings } from './conversation.js';
import { readSettingsValue } from './settings.js';

let asked: Promise<SamplingSettings> | null = null;

/** Empty where the server does not say. */
export function readDefaults(): Promise<SamplingSettings> {
  asked ??= ask().catch(() => {
    asked = null;
    return {};
  });
  return asked;
}

async function ask(): Promise<SamplingSettings> {
  const defaults = field(await askJson('props'), 'default_generation_settings');
  return readSettingsValue({ sampling: field(defaults, 'params') }).sampling;
}
