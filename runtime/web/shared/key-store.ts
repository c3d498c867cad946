// The API key of this server: kept until the tab closes, or on this device where asked to.
// The tab's own key wins over the device's, so that one tab can try another.
// Where the browser keeps nothing, the key lives as long as the page.
import { type Keeping, readText, writeText } from './storage.js';

const STORAGE_KEY = 'hearth.api-key';

let keyOfPage: string | null = null;

/** null where no key was given. */
export function readKey(): string | null {
  return keyOfPage ?? readText('tab', STORAGE_KEY) ?? readText('device', STORAGE_KEY);
}

export function keepKey(key: string, where: Keeping): void {
  forgetKey();
  if (!writeText(where, STORAGE_KEY, key)) keyOfPage = key;
}

export function forgetKey(): void {
  keyOfPage = null;
  writeText('tab', STORAGE_KEY, null);
  writeText('device', STORAGE_KEY, null);
}
