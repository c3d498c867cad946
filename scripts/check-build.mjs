// Before what runs from dist/: says what to do where Node is too old or nothing is built yet.
// Plain JavaScript of an old kind, so that an old Node gets as far as the message.
// Builds nothing itself.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`hearth needs Node 20.19 or later, this is ${process.versions.node}`);
  process.exit(1);
}
if (!existsSync(new URL('../dist/cli.js', import.meta.url))) {
  console.error('hearth is not built yet; run npm ci first');
  process.exit(1);
}
