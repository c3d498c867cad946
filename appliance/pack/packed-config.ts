// The options of `hearth serve` that go onto the device, in a file that everyone there can read.
// A key is not such an option: it is refused, with the place where it belongs.
import { readFile } from 'node:fs/promises';
import { isJsonObject } from '../../model/checkpoint/bounded-json.js';
import { parseJson } from '../../terminal/parse-json.js';
import { BundleError } from '../manifest.js';

export type PackedConfig = { text: string; options: Record<string, unknown> };

/** As hearth is served without any. */
export const NO_CONFIG: PackedConfig = { text: '{}\n', options: {} };

const KEYS = ['api-key', 'apiKey'];

/** Throws {@link BundleError} for a file that cannot be read, is not an object or holds a key. */
export async function readConfig(file: string): Promise<PackedConfig> {
  const fail = (problem: string) =>
    new BundleError(`the config ${file} cannot be packed: ${problem}`);
  let text: string;
  let options: unknown;
  try {
    text = await readFile(file, 'utf8');
    options = parseJson(text);
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (!isJsonObject(options)) throw fail('it does not hold a JSON object');
  if (KEYS.some((key) => key in options))
    throw fail(
      'it holds a key, which everyone on the device could read; put HEARTH_API_KEY=… in /etc/hearth/env there',
    );
  return { text, options };
}
