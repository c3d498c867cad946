// npm run test:arm64: what a board with an arm64 processor runs, on this x64 machine by qemu-user: a bundle of
// hearth pack, its install.sh, converter, engine and log, on Debian's and npm's arm64 binaries, against x64. Not
// part of npm test: it fetches packages and takes minutes. Prints a line a check, and how many there were; exits
// with 1 where one failed.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { interruptible } from '../../terminal/interruptible.js';
import { childrenOf } from '../support/processes.js';
import { checkConverter } from './converter.js';
import { checkEngine } from './engine.js';
import { checkInstall, checkUninstall } from './install.js';
import { checkLog } from './log.js';
import type { Arm64Setting } from './setting.js';
import { Arm64System } from './system.js';

/** What they share is what the first leaves, and the last removes. */
const PARTS = { converter: checkConverter, engine: checkEngine, log: checkLog };
const PART_NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[];
const PROGRESS_MS = 30_000;
const NOT_SHOWN = `
Emulation does not show: how fast a board is, how much memory it has and how hot it gets; its GPU; its firmware and
kernel (npm run test:boot -- --target arm64-uefi boots an image in QEMU); what a processor does that QEMU does not.
`;

const argv = await yargs(hideBin(process.argv))
  .usage('$0: what a board runs, by qemu-user against x64')
  .options({
    only: { describe: 'Check these parts, after install.sh', choices: PART_NAMES, array: true },
    cpu: { describe: 'The processor, of qemu-aarch64 -cpu help', default: 'cortex-a76' },
    minutes: { describe: 'Give up after so long', type: 'number', default: 15 },
  })
  .strict()
  .parseAsync();

let [checks, failures] = [0, 0];

// So that nothing emulated outlives this.
process.once('exit', () => {
  for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
});
const deadline = setTimeout(() => {
  check(false, `not done after ${argv.minutes} minutes; on a busy machine pass --minutes`);
  process.exit(1);
}, argv.minutes * 60_000);

await interruptible(async (signal) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'hearth-arm64-'));
  try {
    if (process.arch !== 'x64') throw new Error('it compares with x64, and runs on nothing else');
    const system = await Arm64System.make({ folder, signal, cpu: argv.cpu });
    await run({ system, folder, signal, check });
  } catch (error) {
    check(false, (error as Error).message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
clearTimeout(deadline);
process.stdout.write(`${NOT_SHOWN}\n${checks - failures} of ${checks} ok\n`);
process.exit(failures > 0 ? 1 : process.exitCode);

async function run(setting: Arm64Setting): Promise<void> {
  await shown('install', checkInstall(setting));
  for (const part of argv.only ?? PART_NAMES) {
    const failed = (error: unknown) => check(false, `${part}: ${(error as Error).message}`);
    await shown(part, PARTS[part](setting).catch(failed));
  }
  await checkUninstall(setting);
}

/** Says that it is under way, as long as it is. */
async function shown(part: string, work: Promise<void>): Promise<void> {
  const start = performance.now();
  const minutes = () => ((performance.now() - start) / 60_000).toFixed(1);
  const progress = setInterval(() => {
    process.stderr.write(`${part}, ${minutes()} minutes …\n`);
  }, PROGRESS_MS);
  await work.finally(() => clearInterval(progress));
  process.stderr.write(`${part} took ${minutes()} minutes\n`);
}

function check(isRight: boolean, what: string): void {
  checks++;
  if (!isRight) failures++;
  process.stdout.write(`${isRight ? 'ok' : 'NOT OK'}  ${what}\n`);
}
