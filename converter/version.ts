// hearth's version, from the package.json that lies above the compiled files.
import { readFileSync } from 'node:fs';

export const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };
