// What emulation cannot show of the bundle's native files, read in their ELF headers: whether they load where memory
// has pages of 16 KiB, as Raspberry Pi OS has them on a Pi 5, and which glibc they ask for.
import { readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { runTool } from '../../appliance/image/debian-tools.js';
import { APP, type Arm64Setting } from './setting.js';

const PAGE_BYTES = 16 << 10;
/** Ubuntu 22.04, which JetPack 6 is. */
const MAX_GLIBC_MINOR = 35;

export async function checkNativeFiles({ system, check }: Arm64Setting): Promise<void> {
  const app = realpathSync(system.at(APP));
  const names = readdirSync(app, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /^bin\/node$|\.(node|so)$/.test(name));
  let [alignment, glibc] = [Number.POSITIVE_INFINITY, 0];
  for (const file of files) {
    const words = ['--wide', '--program-headers', '--version-info', path.join(app, file)];
    const text = await runTool('aarch64-linux-gnu-readelf', words);
    for (const [, hex] of text.matchAll(/^ +LOAD .* 0x([0-9a-f]+)$/gm))
      alignment = Math.min(alignment, Number.parseInt(hex as string, 16));
    for (const [, minor] of text.matchAll(/GLIBC_2\.(\d+)/g))
      glibc = Math.max(glibc, Number(minor));
  }
  check(
    files.length > 10 && alignment >= PAGE_BYTES,
    `${files.length} native files have segments at multiples of ${alignment / 1024} KiB: they load with pages of 16 KiB`,
  );
  check(glibc > 0 && glibc <= MAX_GLIBC_MINOR, `they ask for glibc 2.${glibc}`);
}
