// A device number as the kernel writes it in sysfs and mountinfo, `8:16`.
// Linux spreads major and minor over the 64 bits of a dev_t; Node hands that over as one number.
// Knows no device.

export function deviceId(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
