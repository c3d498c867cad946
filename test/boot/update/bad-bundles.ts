// Bundles that are signed with the right key and are no good: what ran before is back by itself.
import { onDevice } from '../device.js';
import { panickingBundle } from './bundles.js';
import {
  outcomeOf,
  releaseOf,
  restart,
  type Setting,
  show,
  startSettled,
  untilSettled,
  update,
} from './setting.js';

/** Three tries, and the start of the other one. */
const FALL_BACK_MS = 30 * 60_000;

/** `good` is a bundle of a system that answers. */
export async function badBundles(setting: Setting, good: string): Promise<void> {
  const panicking = await panickingBundle(setting.maker, '2.1', good);
  await fallsBack(setting, 'a kernel that panics', panicking);
}

async function fallsBack(setting: Setting, what: string, bundle: string): Promise<void> {
  const { check, access } = setting;
  await show(setting, bundle);
  const machine = await startSettled(setting);
  const before = await releaseOf(machine, setting);
  const said = await update(machine, setting);
  check(/is installed/.test(said), `${what}: ${said.split('\n').at(-1)}`);
  const seconds = await restart(machine, setting, FALL_BACK_MS);
  const after = await releaseOf(machine, setting);
  check(after === before, `${what}: ${after} runs again after ${seconds.toFixed(0)} s`);
  await untilSettled(machine, setting);
  const outcome = await outcomeOf(machine, setting);
  check(outcome?.outcome === 'fell-back', `${what}: /props says ${JSON.stringify(outcome)}`);
  check(/did not answer/.test(await machine.console()), `${what}: the screen says so`);
  const log = await onDevice(machine, access, 'journalctl -u hearth-healthy -o cat');
  check(/did not answer/.test(log), `${what}: the log says so`);
  await machine.cutPower();
}
