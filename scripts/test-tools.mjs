// The programs that tests run beside Node, and the Debian package that has each: the one list of
// npm test, .ci/run and the tests themselves, which are skipped where a program is missing.
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** `places`: names or paths, of which one is enough; the name itself unless given. */
export const TEST_TOOLS = {
  // The browser of the page's tests.
  chromium: {
    package: 'chromium',
    variable: 'CHROMIUM_PATH',
    places: [
      ...['chromium', 'chromium-browser', 'google-chrome'],
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
  },
  // Reads the log beside better-sqlite3.
  sqlite3: { package: 'sqlite3' },
  // A GPU in software, where there is no other.
  Vulkan: {
    package: 'mesa-vulkan-drivers',
    places: ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'],
  },
  // What unpacks images, reads partition tables and makes file systems.
  zstd: { package: 'zstd' },
  xz: { package: 'xz-utils' },
  mke2fs: { package: 'e2fsprogs' },
  sfdisk: { package: 'fdisk' },
  mksquashfs: { package: 'squashfs-tools' },
  unsquashfs: { package: 'squashfs-tools' },
  // What checks a system slot block by block.
  veritysetup: { package: 'cryptsetup-bin' },
  // What makes keys and bundles of updates, and reads them as a device does.
  openssl: { package: 'openssl' },
  rauc: { package: 'rauc' },
  // What signs loader and kernel by the maker's key, what reads them, and what they are made from.
  sbsign: { package: 'sbsigntool' },
  sbverify: { package: 'sbsigntool' },
  objcopy: { package: 'binutils' },
  'systemd-stub': { package: 'systemd-boot-efi', places: ['/usr/lib/systemd/boot/efi'] },
  // Essential to Debian, though not everywhere else: loop devices, partitions, a terminal to type at.
  losetup: { package: 'mount' },
  addpart: { package: 'util-linux' },
  script: { package: 'bsdutils' },
};

/** Debian keeps some of them where only root's PATH leads. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin'];

/** Its path, or null. */
export function findTool(name, env = process.env) {
  const { variable, places = [name] } = TEST_TOOLS[name];
  const named = variable && env[variable];
  const folders = [...(env.PATH ?? '').split(':').filter(Boolean), ...MORE_FOLDERS];
  const files = (named ? [named] : places).flatMap((place) =>
    path.isAbsolute(place) ? [place] : folders.map((folder) => path.join(folder, place)),
  );
  return files.find(isExecutable) ?? null;
}

export function missingTools(env = process.env) {
  return Object.keys(TEST_TOOLS).filter((name) => findTool(name, env) === null);
}

/** Why a test is skipped. */
export function needsTool(name) {
  return `needs ${name} (Debian package ${TEST_TOOLS[name].package})`;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
