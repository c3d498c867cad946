// npm run test:deploy: what compose.yaml, deploy/ and Containerfile promise. Files are held to the tools and
// the types of those who read them, the dashboard to a Prometheus that scrapes hearth, and the container
// is built, run and ended. Not part of npm test: it fetches packages, builds for minutes and needs root.
// Prints a line a check; exits with 1 where one failed.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { interruptible } from '../../terminal/interruptible.js';
import { checkContainer } from './container.js';
import { checkDashboard } from './dashboard.js';
import { checkFiles } from './files.js';
import type { DeploySetting } from './setting.js';

const PARTS = {
  files: checkFiles,
  dashboard: checkDashboard,
  container: checkContainer,
} satisfies Record<string, (setting: DeploySetting) => Promise<void>>;
type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const argv = await yargs(hideBin(process.argv))
  .usage('$0: the files of deploy/ and the container, as their users have them')
  .options({
    only: { describe: 'Check these parts', choices: PART_NAMES, array: true },
    architecture: {
      describe: 'Of the container; another one than here is emulated',
      choices: ['x64', 'arm64'] as const,
      default: process.arch === 'arm64' ? ('arm64' as const) : ('x64' as const),
    },
    'build-image': { describe: 'What Containerfile builds in', type: 'string' },
    'base-image': {
      describe: 'What it starts from; both are made of Debian packages if not given',
      type: 'string',
    },
    image: { describe: 'Take this image instead of building one', type: 'string' },
  })
  .strict()
  .parseAsync();

let failures = 0;

await interruptible(async (signal) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'hearth-deploy-'));
  try {
    for (const part of argv.only ?? PART_NAMES) {
      const failed = (error: unknown) => check(false, `${part}: ${(error as Error).message}`);
      const own = path.join(folder, part);
      await mkdir(own);
      await PARTS[part]({ ...argv, folder: own, signal, check }).catch(failed);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
process.exitCode = failures > 0 ? 1 : 0;

function check(isRight: boolean, what: string): void {
  if (!isRight) failures++;
  process.stdout.write(`${isRight ? 'ok' : 'NOT OK'}  ${what}\n`);
}
