// Debian's stub of this machine, from which tests make kernels that a maker signs.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { findTool } from '../../support/needs.js';

const folder = findTool('systemd-stub');

/** Its path, or empty where it is not here. */
export const systemdStub =
  folder === null
    ? ''
    : path.join(
        folder,
        readdirSync(folder).find((name) => /^linux.*\.efi\.stub$/.test(name)) ?? '',
      );
