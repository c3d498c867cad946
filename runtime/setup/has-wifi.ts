// Whether this machine has a card for Wi-Fi that its system can use.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** `folder`: where Linux lists network cards. */
export function hasWifi(folder = '/sys/class/net'): boolean {
  try {
    return readdirSync(folder).some((card) => existsSync(path.join(folder, card, 'phy80211')));
  } catch {
    return false;
  }
}
