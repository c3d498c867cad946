// What a device does by itself: it looks into the folder of updates, installs what is there, and starts it at
// the hour that its owner set, but not while somebody is being answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { onDevice } from '../device.js';
import { askOn } from './good-updates.js';
import {
  bootOf,
  outcomeOf,
  releaseOf,
  type Setting,
  setOnDevice,
  show,
  startSettled,
  untilRestarted,
  untilSettled,
} from './setting.js';

/** Of the image, unless it was told another. */
const HOUR = 4;
/** Longer than after the last answer, were there none. */
const ASKED_MS = 150_000;
const RESTART_MS = 30 * 60_000;

/** Shell: when the timer of the restart goes off, in seconds and as the device's clock has it then. */
const NEXT = `date -d "$(systemctl show -P NextElapseUSecRealtime hearth-restart.timer)" '+%s %H:%M'`;

/** `bundle` has a model of `release`. */
export async function ownersHour(setting: Setting, bundle: string, release: string): Promise<void> {
  const { check, access, server } = setting;
  const machine = await startSettled(setting);
  await show(setting, bundle);
  await setOnDevice(machine, setting, { 'update-url': server.url });
  const look = 'systemctl start hearth-update.service; cat /data/update/installed';
  const installed = await onDevice(machine, access, look);
  check(
    installed.includes(`RELEASE=${release}\n`),
    'its own service finds the update and installs it',
  );
  const [next, clock = ''] = (await onDevice(machine, access, NEXT)).trim().split(' ');
  const [hour, minute] = clock.split(':').map(Number);
  check(hour === HOUR && (minute ?? 60) <= 10, `it is to start at ${clock}`);
  const before = await bootOf(machine, setting);
  const asking = askOn(machine, setting);
  await onDevice(machine, access, `date -s @${Number(next) - 5}`);
  await sleep(ASKED_MS);
  const state = await onDevice(machine, access, 'systemctl is-active hearth-restart || true');
  check(state === 'activating\n', `at that hour the restart is ${state.trim()} while it is asked`);
  check((await bootOf(machine, setting)) === before, 'and does not come');
  const { ttftMs, lost } = await asking.stop();
  check(lost === 0, `${ttftMs.length} answers meanwhile, ${lost} lost`);
  const seconds = await untilRestarted(machine, setting, before, RESTART_MS);
  const runs = await releaseOf(machine, setting);
  check(runs === `${release} b`, `${runs} answers ${seconds.toFixed(0)} s after the last answer`);
  await untilSettled(machine, setting);
  const outcome = await outcomeOf(machine, setting);
  check(outcome?.outcome === 'updated', `/props says ${JSON.stringify(outcome)}`);
  await machine.cutPower();
}
