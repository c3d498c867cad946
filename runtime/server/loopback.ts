// Whether an address is this machine's own, which decides if a key must be set.
// Apart from access.ts, as the command asks before anything of the server is loaded.
// Resolves no names.

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
