// node scripts/make-debian-images.mjs [x64|arm64]: the two images that Containerfile starts from, of Debian
// packages, for those who reach no registry of images, or trust none. Prints how to build with them.
// Needs Debian's podman and mmdebstrap, as root, and for another processor qemu-user-static and binfmt-support.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { DEBIAN_RELEASE, KEPT, leftOut } from '../dist/appliance/image/debian-packages.js';
import { fetchPackage } from '../dist/appliance/payload/npm-package.js';
import { PINNED_PACKAGES } from '../dist/appliance/payload/pinned-packages.js';

const DEBIAN_NAMES = { x64: 'amd64', arm64: 'arm64' };
/** What this machine trusts, its own authorities included. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

const [wanted = process.arch] = process.argv.slice(2);
const architecture = DEBIAN_NAMES[wanted];
if (!architecture) throw new Error(`"${wanted}" is no processor; expected x64 or arm64`);

const base = await makeImage(`localhost/hearth-base:${wanted}`, architecture);
// The build runs on this machine, whatever it is for.
const build = await makeBuildImage(`localhost/hearth-build:${process.arch}`);
// By their IDs: under a name, Debian 12's buildah finds images for one processor only.
const images = `--build-arg BUILD_IMAGE=${build} --build-arg BASE_IMAGE=${base}`;
process.stdout.write(
  `podman build --format docker --platform linux/${architecture} ${images} -t hearth .\n`,
);

/** With Node as it is packed, npm as it is here, and all that better-sqlite3 is built with. */
async function makeBuildImage(tag) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hearth-images-'));
  try {
    await addNode(path.join(folder, 'local'));
    const debian = [
      '--include=ca-certificates,g++,make,python3',
      `--customize-hook=copy-in ${folder}/local /usr`,
      `--customize-hook=copy-in ${CERTIFICATES} ${path.dirname(CERTIFICATES)}`,
    ];
    const environment = ['npm_config_nodedir=/usr/local', `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`];
    return await makeImage(tag, DEBIAN_NAMES[process.arch], debian, environment);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function addNode(local) {
  const node = await fetchPackage(PINNED_PACKAGES[`linux-${process.arch}`].node);
  for (const part of ['bin', 'include'])
    cpSync(path.join(node, part), path.join(local, part), { recursive: true });
  const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  const modules = path.join(local, 'lib/node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(path.join(realpathSync(npm), '../..'), path.join(modules, 'npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(local, 'bin/npm'));
}

/** Its ID. */
async function makeImage(tag, architecture, more = [], environment = []) {
  const excluded = leftOut({ wifi: false }).filter((pattern) => pattern.startsWith('/usr/share/'));
  const debian = [
    ...[
      '--variant=minbase',
      `--architectures=${architecture}`,
      '--aptopt=Acquire::Languages "none"',
    ],
    ...excluded.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...KEPT.map((pattern) => `--dpkgopt=path-include=${pattern}`),
    ...more,
    ...['--customize-hook=rm -rf "$1"/var/cache/* "$1"/var/log/*', DEBIAN_RELEASE, '-'],
  ];
  const changes = environment.flatMap((variable) => ['--change', `ENV ${variable}`]);
  const image = ['import', '--quiet', '--os', 'linux', '--arch', architecture, ...changes];
  const tar = spawn('mmdebstrap', debian, { stdio: ['ignore', 'pipe', 'inherit'] });
  const podman = spawn('podman', [...image, '-', tag], {
    stdio: [tar.stdout, 'pipe', 'inherit'],
  });
  const [id] = await Promise.all([text(podman.stdout), succeeds(tar), succeeds(podman)]);
  return id.trim();
}

async function succeeds(child) {
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}
