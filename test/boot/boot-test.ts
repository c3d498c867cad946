// npm run test:boot: an image with the appliance model, from a checkout to an answer of a booted
// machine, then power cuts in mid-answer, then damaged data. Not part of npm test: it takes minutes.
// Prints a line a check and the figures; exits with 1 where one failed. Needs root for the loop device.
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { SIGNING_TOOLS } from '../../appliance/image/boot-signer.js';
import type { DebianTool } from '../../appliance/image/debian-tools.js';
import { IMAGE_MACHINES } from '../../appliance/image/image-machine.js';
import { IMAGE_TARGETS } from '../../appliance/manifest.js';
import { formatDisk, formatMemory } from '../../terminal/units.js';
import { prepareTools, TOOL_OPTIONS } from './boot-tools.js';
import { changeProgram, destroyFileSystem, destroyLog, logOnDisk } from './data-on-disk.js';
import {
  type Access,
  type Acknowledged,
  ask,
  beginAnswer,
  onDevice,
  untilHealthy,
  untilShown,
} from './device.js';
import { flashDisk, makeImage } from './make-disk.js';
import { changedDisk } from './own-keys/changed-disk.js';
import { ENROLMENT_TOOLS, enrolledVariables } from './own-keys/enrol-keys.js';
import { bootSignerIn, ownKeysImage } from './own-keys/setting.js';
import { signedUpdates } from './own-keys/signed-updates.js';
import { setUp } from './set-up.js';
import {
  chooseAccelerator,
  type MachineOptions,
  startMachine,
  type VirtualMachine,
} from './virtual-machine.js';

const OWN_KEYS_TOOLS = [...SIGNING_TOOLS, ...ENROLMENT_TOOLS, ['rauc', 'rauc'] as DebianTool];
const MAX_IMAGE_BYTES = 700e6;
const MAX_SYSTEM_BYTES = 160 * 2 ** 20;
const ANSWER =
  'Error E17 on the clothes dryer means that the lint screen is full. Fix this, then switch the clothes dryer off and on again.';
/** Shell: a program among the service's own that takes memory until the kernel ends it. */
const PRESS = `
main=$(systemctl show -P MainPID hearth)
engine=$(pgrep -P $main -f child/main.js)
group=/sys/fs/cgroup$(systemctl show -P ControlGroup hearth)
sh -c "echo \\$\\$ > $group/cgroup.procs; exec tail /dev/zero"
echo $main $engine
`;
/** Shell: the last byte of firmware's variable. */
const IS_SECURE = "od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-* | tr -d ' '";
/** Firmware refuses long before anything else has run. */
const REFUSED_MS = 5 * 60_000;
/** After the first words of an answer that is under way. */
const MAX_CUT_DELAY_MS = 3_000;

const argv = await yargs(hideBin(process.argv))
  .usage('$0: an image from a checkout to an answer, and what befalls it')
  .options({
    target: { describe: 'Whose image', choices: IMAGE_TARGETS, default: IMAGE_TARGETS[0] },
    'power-cuts': { describe: 'Power cuts in mid-answer', type: 'number', default: 3 },
    damage: { describe: 'Damaged log, damaged data partition', type: 'boolean', default: true },
    folder: { describe: 'Where images lie (2 GB); kept if given', type: 'string' },
    setup: { describe: 'Its owner sets the device up first', type: 'boolean', default: true },
    'secure-boot': { describe: 'With Secure Boot on', type: 'boolean', default: false },
    'own-keys': {
      describe: "By its maker's key alone, which the firmware knows; with updates",
      type: 'boolean',
      default: false,
      implies: 'secure-boot',
    },
    reuse: { describe: 'Take the image that lies in --folder', type: 'boolean', default: false },
    ...TOOL_OPTIONS,
  })
  .strict()
  .parseAsync();

type Setting = MachineOptions & { disk: string; access: Access };

// So that no machine outlives this.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let failures = 0;
const acknowledged: Acknowledged[] = [];

const folder = argv.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'hearth-boot-')));
try {
  await prepareTools(argv.target, argv.installTools, argv.ownKeys ? OWN_KEYS_TOOLS : []);
  const keys = path.join(folder, 'keys');
  const more = argv.ownKeys ? await ownKeysImage(keys, existsSync(keys)) : [];
  const { image, access, sizeWithoutModelBytes } = await makeImage(folder, { ...argv, more });
  const size = formatDisk(sizeWithoutModelBytes);
  check(sizeWithoutModelBytes <= MAX_IMAGE_BYTES, `image without the model: ${size}`);
  const disk = await flashDisk(image, folder);
  check(true, 'flashed to a loop device');
  const { target, secureBoot } = argv;
  const accelerator = await chooseAccelerator(target);
  const machine = { target, accelerator, folder, secureBoot };
  const variables = argv.ownKeys
    ? await enrolledVariables(disk, bootSignerIn(keys), machine)
    : undefined;
  const setting = { ...machine, variables, disk, access };
  if (argv.setup) await ownersBoot(setting);
  await firstBoot(setting);
  if (secureBoot) await changedLoader(setting);
  if (argv.ownKeys) {
    const flashed = { ...setting, disk: await flashDisk(image, folder), check };
    await changedDisk(flashed);
    await signedUpdates(flashed);
  }
  for (let cut = 1; cut <= argv.powerCuts; cut++) await powerCut(setting, cut);
  if (argv.damage) {
    await damagedLog(setting);
    await damagedPartition(setting);
  }
} catch (error) {
  check(false, (error as Error).message);
} finally {
  if (argv.folder === undefined) await rm(folder, { recursive: true, force: true });
}
process.exit(failures > 0 ? 1 : 0);

function check(isRight: boolean, what: string): void {
  if (!isRight) failures++;
  process.stdout.write(`${isRight ? 'ok' : 'NOT OK'}  ${what}\n`);
}

/** All that follows goes by what was set, and is after a power cut. */
async function ownersBoot(setting: Setting): Promise<void> {
  const machine = await startMachine(setting.disk, setting);
  await untilHealthy(machine);
  await setUp(machine, setting.access, check);
  await machine.cutPower();
}

/** Everything a user would look at. */
async function firstBoot(setting: Setting): Promise<void> {
  const { disk, access, accelerator } = setting;
  const machine = await startMachine(disk, setting);
  const seconds = await untilHealthy(machine);
  check(true, `power-on to /health: ${seconds.toFixed(0)} s in QEMU (${accelerator})`);
  const page = await (await fetch(machine.url)).text();
  check(/<!doctype html>/i.test(page), 'the page answers');
  const refused = await fetch(`${machine.url}/v1/models`);
  check(refused.status === 401, 'the API asks for its key');
  const screen = await machine.console();
  check(/http:\/\/10\.0\.2\.15:8080\//.test(screen), 'the console shows the address');
  check(/model +appliance\b/.test(screen), 'the console shows the model');
  check(/█▄▄▄▄▄█|█ ▄▄▄▄▄ █/.test(screen), 'the console shows a QR code');
  const answer = await ask(machine, access);
  acknowledged.push(answer);
  check(answer.text === ANSWER, `the article's question: ${answer.text}`);
  const slot = await onDevice(machine, access, 'cat /run/hearth-disk/slot');
  check(slot === 'a\n', 'its system is the one of slot A');
  if (setting.secureBoot) {
    const isOn = await onDevice(machine, access, IS_SECURE);
    check(isOn.trim() === '1', 'with Secure Boot on, as the system sees it');
  }
  // The device asks itself a question at its first start, perhaps only now.
  const rows = await onDevice(machine, access, 'hearth log --json --limit 2');
  check(rows.includes(`${answer.totalMs}`), 'the row of the answer is in the log');
  await memoryPressure(machine, access);
  await systemMemory(machine, access);
  await machine.cutPower();
}

/** What nobody has signed does not start: here systemd-boot with another byte in it. */
async function changedLoader(setting: Setting): Promise<void> {
  const disk = `${setting.disk}-changed`;
  await copyFile(setting.disk, disk, constants.COPYFILE_FICLONE);
  const { loader, shim } = IMAGE_MACHINES[setting.target];
  const name = setting.variables === undefined ? loader.efi : shim.efi;
  await changeProgram(disk, `EFI/BOOT/${name}`, setting.folder);
  const machine = await startMachine(disk, setting);
  const isRefused = await untilShown(machine, /Security Violation|Access Denied/i, REFUSED_MS);
  check(isRefused, 'with Secure Boot on, a loader with another byte in it is refused');
  await machine.cutPower();
  await rm(disk);
}

/** Where the service's memory runs out, the kernel ends its engine first, which starts again. */
async function memoryPressure(machine: VirtualMachine, access: Access): Promise<void> {
  const [main, engine] = (await onDevice(machine, access, PRESS)).trim().split(' ');
  await untilHealthy(machine);
  const { text } = await ask(machine, access, 4);
  const command = `systemctl show -P MainPID hearth; [ -d /proc/${engine} ] || echo ended`;
  const after = await onDevice(machine, access, command);
  check(
    after === `${main}\nended\n` && text !== '',
    'memory pressure ends the engine, not the service, and the next answer comes',
  );
}

/** What the system takes without hearth: all that could not be had by another program. */
async function systemMemory(machine: VirtualMachine, access: Access): Promise<void> {
  const command = 'systemctl stop hearth; sleep 5; cat /proc/meminfo; ps -eo rss,args --sort=-rss';
  const text = await onDevice(machine, access, command);
  await writeFile(path.join(folder, 'memory.txt'), text);
  const field = (name: string) =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1]) * 1024;
  const bytes = field('MemTotal') - field('MemAvailable');
  const shown = `${formatMemory(bytes)} of ${formatMemory(field('MemTotal'))}`;
  check(bytes <= MAX_SYSTEM_BYTES, `memory of the system without engine and model: ${shown}`);
}

/** One answer is acknowledged, the next is under way when the power goes. */
async function powerCut(setting: Setting, cut: number): Promise<void> {
  const { disk, folder, access } = setting;
  const machine = await startMachine(disk, setting);
  const seconds = await untilHealthy(machine);
  acknowledged.push(await ask(machine, access, 4));
  const begun = beginAnswer(machine, access);
  begun.catch(() => {});
  // Every other time at once, when the acknowledged row has had no time to reach the disk by itself.
  if (cut % 2 === 0) {
    await begun;
    await sleep(Math.random() * MAX_CUT_DELAY_MS);
  }
  await machine.cutPower();
  const { integrity, totalMs } = await logOnDisk(disk, folder);
  const missing = acknowledged.filter(
    (answer) => !totalMs.some((ms) => isSame(ms, answer.totalMs)),
  );
  check(
    integrity === 'ok' && missing.length === 0,
    `power cut ${cut}: booted in ${seconds.toFixed(0)} s; integrity_check ${integrity}; ${acknowledged.length - missing.length} of ${acknowledged.length} acknowledged rows there`,
  );
}

function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}

async function damagedLog(setting: Setting): Promise<void> {
  await destroyLog(setting.disk, setting.folder);
  await bootsWith(
    setting,
    'a damaged log',
    /The log was damaged\. It is kept as log\.db\.damaged-/,
  );
}

async function damagedPartition(setting: Setting): Promise<void> {
  await destroyFileSystem(setting.disk);
  await bootsWith(setting, 'a destroyed data partition', /It is kept as partition hearth-damaged/);
}

async function bootsWith(setting: Setting, what: string, notice: RegExp): Promise<void> {
  const { disk, folder, access } = setting;
  const machine = await startMachine(disk, setting);
  await untilHealthy(machine);
  check(notice.test(await machine.console()), `with ${what} it boots, with a notice on the screen`);
  const { text, totalMs } = await ask(machine, access, 4);
  await machine.cutPower();
  const log = await logOnDisk(disk, folder);
  check(
    text !== '' && log.totalMs.some((ms) => isSame(ms, totalMs)),
    `with ${what} it answers and logs`,
  );
}
