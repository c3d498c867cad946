// The browser's small storage, where it may be full or switched off.
// Without it a page still works; it only forgets when it is closed.

/** How long something is kept: until the tab closes, or on this device. */
export type Keeping = 'tab' | 'device';

/** null where there is no such text, or no storage. */
export function readText(where: Keeping, key: string): string | null {
  try {
    return storageOf(where).getItem(key);
  } catch {
    return null;
  }
}

/** False where the browser would not keep it; null removes. */
export function writeText(where: Keeping, key: string, text: string | null): boolean {
  try {
    if (text === null) storageOf(where).removeItem(key);
    else storageOf(where).setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

/** Even naming a storage throws where the browser forbids it. */
function storageOf(where: Keeping): Storage {
  return where === 'tab' ? sessionStorage : localStorage;
}
