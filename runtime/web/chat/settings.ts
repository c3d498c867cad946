// The settings that the page offers, and those that new conversations begin with, kept on this device.
import { field } from '../shared/server-error.js';
import { readText, writeText } from '../shared/storage.js';
import type { SamplingSettings, Settings } from './conversation.js';

/** Labels and hints are texts of their own, by name. */
export type SamplingField = [name: keyof SamplingSettings, min: number, max: number, step: number];

/** What a signed 32-bit number holds: as large as a seed or a limit may be. */
const MAX_INT32 = 2 ** 31 - 1;

/** Names are those of the API; a field that is left empty is not sent, and the server decides. */
export const SAMPLING_FIELDS: readonly SamplingField[] = [
  ['temperature', 0, 2, 0.05],
  ['max_tokens', 1, MAX_INT32, 1],
  ['top_p', 0, 1, 0.01],
  ['top_k', 0, MAX_INT32, 1],
  ['min_p', 0, 1, 0.01],
  ['repeat_penalty', 0.01, 2, 0.01],
  ['seed', 0, MAX_INT32, 1],
];

const STORAGE_KEY = 'hearth.settings';

export function readSettings(): Settings {
  return readSettingsValue(parse(readText('device', STORAGE_KEY) ?? ''));
}

/** What was stored comes from an earlier version or a file perhaps: anything unknown is left out. */
export function readSettingsValue(value: unknown): Settings {
  const stored = field(value, 'sampling');
  const sampling: SamplingSettings = {};
  for (const [name] of SAMPLING_FIELDS) {
    const found = field(stored, name);
    if (typeof found === 'number' && Number.isFinite(found)) sampling[name] = found;
  }
  const [system, model] = [field(value, 'system'), field(value, 'model')];
  return {
    system: typeof system === 'string' ? system : '',
    sampling,
    ...(typeof model === 'string' && { model }),
  };
}

export function keepSettings(settings: Settings): void {
  writeText('device', STORAGE_KEY, JSON.stringify(settings));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
