// The settings that new conversations begin with, kept on this device.
// What was stored comes from an earlier version perhaps: anything unknown is left out.
import { readText, writeText } from '../shared/storage.js';
import type { SamplingSettings, Settings } from './conversation.js';
import { SAMPLING_FIELDS } from './sampling-fields.js';

const STORAGE_KEY = 'hearth.settings';

export function readSettings(): Settings {
  const stored = parse(readText('device', STORAGE_KEY) ?? '');
  const sampling: SamplingSettings = {};
  for (const [name] of SAMPLING_FIELDS) {
    const value = stored.sampling?.[name];
    if (typeof value === 'number' && Number.isFinite(value)) sampling[name] = value;
  }
  return { system: typeof stored.system === 'string' ? stored.system : '', sampling };
}

export function keepSettings(settings: Settings): void {
  writeText('device', STORAGE_KEY, JSON.stringify(settings));
}

function parse(text: string): { system?: unknown; sampling?: Record<string, unknown> } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
