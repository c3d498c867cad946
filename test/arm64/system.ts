// Debian's arm64 in a folder, and programs in it: emulated by qemu-user, in namespaces of their own, where they are
// root, see nothing of this machine's files, and end with the program that started them. The network is this
// machine's.
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { DEBIAN_RELEASE } from '../../appliance/image/debian-packages.js';
import { type DebianTool, missingPackages, runTool } from '../../appliance/image/debian-tools.js';
import { IMAGE_MACHINES } from '../../appliance/image/image-machine.js';
import { type HearthRun, runProgram } from '../support/hearth.js';

/** What install.sh calls, and the libraries of Node and llama.cpp. */
const PACKAGES = 'base-files bash coreutils dash findutils grep sed tar zstd libstdc++6'.split(' ');

/** Beside those of an image. */
const TOOLS: DebianTool[] = [
  ['unshare', 'util-linux'],
  ['sqlite3', 'sqlite3'],
];

/** Shell: /dev and /proc as every system has them, then the command, its arguments after the folder. */
const ENTER = `
mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
exec chroot "$0" "$@"
`;

export type SystemOptions = {
  folder: string;
  /** As QEMU calls it. */
  cpu: string;
  signal: AbortSignal;
};

export class Arm64System {
  /** Its files, seen from here. */
  readonly root: string;
  readonly #cpu: string;

  private constructor({ folder, cpu }: SystemOptions) {
    this.root = path.join(folder, 'root');
    this.#cpu = cpu;
  }

  /** Of Debian's packages, unpacked without running any of them. Rejects where programs are missing. */
  static async make(options: SystemOptions): Promise<Arm64System> {
    const missing = await missingPackages(IMAGE_MACHINES['arm64-uefi'], TOOLS);
    if (missing.length > 0)
      throw new Error(
        `programs are missing; run, as root, apt-get install --no-install-recommends ${missing.join(' ')}`,
      );
    const system = new Arm64System(options);
    const { folder, signal } = options;
    const archive = path.join(folder, 'root.tar');
    const included = `--include=${PACKAGES.join(',')}`;
    const words = ['--variant=extract', '--architectures=arm64', included, '--format=tar'];
    await runTool('mmdebstrap', [...words, DEBIAN_RELEASE, archive], { signal });
    await mkdir(system.root);
    // All of it is whose the folder is; devices are bound from here.
    const mine = ['--no-same-owner', '--exclude=./dev/*', '-C', system.root];
    await runTool('tar', ['-xf', archive, ...mine], { signal });
    await rm(archive);
    return system;
  }

  /** To be run here, and started there. */
  words(command: string[], cpu = this.#cpu): string[] {
    const environment = [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...['HOME=/root', 'LC_ALL=C.UTF-8', `QEMU_CPU=${cpu}`],
    ];
    const namespaces = ['--map-root-user', '--mount', '--pid', '--kill-child'];
    return [
      ...['env', '-i', ...environment, 'unshare', ...namespaces],
      ...['sh', '-ec', ENTER, this.root, ...command],
    ];
  }

  run(...command: string[]): Promise<HearthRun> {
    return runProgram(this.words(command));
  }

  /** Stdout. Rejects with what it said where it fails. */
  async output(...command: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...command);
    if (status === 0) return stdout;
    throw new Error(`${command.join(' ')} ended with ${status}: ${(stderr || stdout).trim()}`);
  }

  /** A file of it, seen from here. */
  at(file: string): string {
    return path.join(this.root, file);
  }
}
