// The questions of the setup page in a terminal, for whoever sits at the device: one after another, each
// again until its answer is one that a device can have.
import {
  checkedApiKey,
  checkedHostname,
  checkedPassphrase,
  checkedSsid,
  checkedTimezone,
  type OwnerSettings,
  SettingError,
  type Wifi,
} from '../../runtime/setup/owner-settings.js';

export type Dialogue = {
  /** Null where nobody is there any more. */
  ask(question: string): Promise<string | null>;
  say(text: string): void;
};

export type AskOptions = { hostname: string; timezone: string; hasWifi: boolean };

/** Null where nobody is there any more. */
export async function askOwner(
  dialogue: Dialogue,
  { hostname, timezone, hasWifi }: AskOptions,
): Promise<OwnerSettings | null> {
  const ask = <T>(question: string, check: (answer: string) => T) =>
    untilGood(dialogue, question, check);
  try {
    return {
      hostname: await ask(`Name of the device [${hostname}]`, (name) =>
        checkedHostname(name.trim() || hostname),
      ),
      timezone: await ask(`Time zone, such as Asia/Tokyo [${timezone}]`, (name) =>
        checkedTimezone(name.trim() || timezone),
      ),
      apiKey: await ask('API key; empty lets everyone in the network ask', (key) =>
        key.trim() === '' ? null : checkedApiKey(key.trim()),
      ),
      wifi: hasWifi ? await askWifi(ask) : null,
    };
  } catch (error) {
    if (error instanceof Gone) return null;
    throw error;
  }
}

class Gone extends Error {}

type Ask = <T>(question: string, check: (answer: string) => T) => Promise<T>;

async function askWifi(ask: Ask): Promise<Wifi | null> {
  // Both may begin or end with a space.
  const ssid = await ask('Wi-Fi network; empty with a cable', (name) =>
    name === '' ? null : checkedSsid(name),
  );
  if (ssid === null) return null;
  const passphrase = await ask('Its passphrase; empty for an open network', (text) =>
    text === '' ? null : checkedPassphrase(text),
  );
  return { ssid, passphrase };
}

async function untilGood<T>(
  { ask, say }: Dialogue,
  question: string,
  check: (answer: string) => T,
): Promise<T> {
  for (;;) {
    const answer = await ask(`${question}: `);
    if (answer === null) throw new Gone();
    try {
      return check(answer);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      say(error.message);
    }
  }
}
