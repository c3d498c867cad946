// Names for things that live in this browser.
// crypto.randomUUID is missing on plain http to another machine, where many a hearth is used.

/** 128 random bits in hexadecimal. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
