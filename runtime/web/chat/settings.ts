// The settings that the page offers, and those that new conversations begin with, kept on this device.
import { readText, writeText } from '../shared/storage.js';
import type { SamplingSettings, Settings } from './conversation.js';

export type SamplingField = [
  name: keyof SamplingSettings,
  label: string,
  hint: string,
  min: number,
  max: number,
  step: number,
];

/** What a signed 32-bit number holds: as large as a seed or a limit may be. */
const MAX_INT32 = 2 ** 31 - 1;

/** Names are those of the API; a field that is left empty is not sent, and the server decides. */
export const SAMPLING_FIELDS: readonly SamplingField[] = [
  ['temperature', 'Temperature', '0 is exact and repeatable, 1 is lively', 0, 2, 0.05],
  ['max_tokens', 'Longest answer', 'in tokens; one is about ¾ of a word', 1, MAX_INT32, 1],
  ['top_p', 'Top p', 'choose among the likeliest words that make up this part', 0, 1, 0.01],
  ['top_k', 'Top k', 'choose among this many words; 0 for all', 0, MAX_INT32, 1],
  ['min_p', 'Min p', 'leave out words less likely than this part of the best', 0, 1, 0.01],
  ['repeat_penalty', 'Repeat penalty', '1 is none; above, words repeat less', 0.01, 2, 0.01],
  ['seed', 'Seed', 'the same seed gives the same answer', 0, MAX_INT32, 1],
];

const STORAGE_KEY = 'hearth.settings';

/** What was stored comes from an earlier version perhaps: anything unknown is left out. */
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
