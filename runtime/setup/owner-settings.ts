// What the owner of a device says at its first start: its name, a key, the Wi-Fi, the time zone.
// The page, the screen and root, who puts it in force, hold it to the same rules, as each may be lied to;
// hearth image holds its options to them, too. As JSON, names are snake_case.

export type Wifi = {
  ssid: string;
  /** 64 hexadecimal digits are the key itself; null for an open network */
  passphrase: string | null;
};

export type OwnerSettings = {
  hostname: string;
  /** null lets in whoever is in the network */
  apiKey: string | null;
  /** null leaves it as it was made */
  wifi: Wifi | null;
  timezone: string;
};

/** The message names the setting, says what was found and what is expected. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  readonly code = 'HEARTH_SETTING';
  readonly setting: string;

  constructor(setting: string, problem: string) {
    super(`${setting} ${problem}`);
    this.setting = setting;
  }
}

const MAX_SSID_BYTES = 32;

/** Of JSON from outside. Throws {@link SettingError}. */
export function readOwnerSettings(value: unknown): OwnerSettings {
  const fields = fieldsOf(value, 'setup', ['hostname', 'api_key', 'wifi', 'timezone']);
  return {
    hostname: checkedHostname(textOf(fields, 'hostname')),
    apiKey: fields['api_key'] === null ? null : checkedApiKey(textOf(fields, 'api_key')),
    wifi: fields['wifi'] === null ? null : wifiOf(fields['wifi']),
    timezone: checkedTimezone(textOf(fields, 'timezone')),
  };
}

export function ownerSettingsText({ hostname, apiKey, wifi, timezone }: OwnerSettings): string {
  return `${JSON.stringify({ hostname, api_key: apiKey, wifi, timezone }, null, 1)}\n`;
}

/** One label of RFC 1123, in lower case. */
export function checkedHostname(name: string, setting = 'hostname'): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)) return name.toLowerCase();
  throw new SettingError(
    setting,
    `${JSON.stringify(name)} is not the name of a machine; expected up to 63 letters, digits and hyphens, such as kitchen-2`,
  );
}

/** As the files of zones are named, however it was typed. */
export function checkedTimezone(name: string, setting = 'timezone'): string {
  const isPlain = /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(name);
  const known = isPlain && !/^[+-]/.test(name) ? knownTimezone(name) : null;
  if (known) return known;
  throw new SettingError(
    setting,
    `${JSON.stringify(name)} is not known; expected one such as Europe/Berlin or UTC`,
  );
}

export function checkedSsid(ssid: string, setting = 'wifi.ssid'): string {
  const length = Buffer.byteLength(ssid);
  if (length > 0 && length <= MAX_SSID_BYTES) return ssid;
  throw new SettingError(
    setting,
    `has ${length} bytes; expected 1 to ${MAX_SSID_BYTES}, as Wi-Fi has it`,
  );
}

export function checkedPassphrase(passphrase: string, setting = 'wifi.passphrase'): string {
  if (/^[\x20-\x7e]{8,63}$/.test(passphrase) || isPsk(passphrase)) return passphrase;
  throw new SettingError(
    setting,
    'is no Wi-Fi passphrase; expected 8 to 63 ASCII characters, or a key of 64 hexadecimal digits',
  );
}

/** Whether it is what others are turned into, with the network's name. */
export function isPsk(passphrase: string): boolean {
  return /^[0-9a-f]{64}$/i.test(passphrase);
}

/** It goes into a header of HTTP and into an address. */
export function checkedApiKey(key: string): string {
  if (/^[\x21-\x7e]{8,128}$/.test(key)) return key;
  throw new SettingError(
    'api_key',
    `has ${key.length} characters or some that do not belong; expected 8 to 128 of ASCII, without spaces`,
  );
}

function wifiOf(value: unknown): Wifi {
  const fields = fieldsOf(value, 'wifi', ['ssid', 'passphrase']);
  const isOpen = fields['passphrase'] === null;
  return {
    ssid: checkedSsid(textOf(fields, 'ssid', 'wifi.ssid')),
    passphrase: isOpen ? null : checkedPassphrase(textOf(fields, 'passphrase', 'wifi.passphrase')),
  };
}

/** All of `names`, and no other. */
function fieldsOf(value: unknown, setting: string, names: readonly string[]) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SettingError(setting, `is not an object; expected ${names.join(', ')}`);
  const found = Object.keys(value);
  const wrong = [...found, ...names].find(
    (name) => !(names.includes(name) && Object.hasOwn(value, name)),
  );
  if (wrong === undefined) return value as Record<string, unknown>;
  const problem = names.includes(wrong) ? 'is missing' : 'is unknown';
  throw new SettingError(wrong, `${problem}; expected ${names.join(', ')}`);
}

function textOf(fields: Record<string, unknown>, name: string, setting = name): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw new SettingError(setting, `is ${JSON.stringify(value)}; expected text`);
}

/** Null for none. */
function knownTimezone(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
