// Which hearth this is, as its package says; files and runs carry it.
// Read when asked, because most commands never ask.
import { readFileSync } from 'node:fs';

export function hearthVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
