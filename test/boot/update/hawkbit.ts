// An update that a server with hawkBit's interface assigns to a device: asked for, streamed with the device's
// token, started, and told. The server is not ours.
import { onDevice } from '../device.js';
import type { VirtualMachine } from '../virtual-machine.js';
import { Goosebit } from './goosebit.js';
import {
  releaseOf,
  restart,
  type Setting,
  setOnDevice,
  startSettled,
  untilSettled,
} from './setting.js';

/** QEMU's first network card. */
const DEVICE = 'hearth-525400123456';
const TOKEN = 'c0ffee';
const RESTART_MS = 30 * 60_000;

/** `bundle` has a model of `release`. */
export async function hawkbitUpdate(
  setting: Setting,
  bundle: string,
  release: string,
): Promise<void> {
  const { check } = setting;
  const server = await Goosebit.start(setting.folder);
  try {
    const machine = await startSettled(setting);
    const ask = async (token = TOKEN) => await askServer(machine, setting, { server, token });
    const stranger = await ask();
    check(/answered 401; it knows another token/.test(stranger), `hawkbit: ${stranger}`);
    await server.register(DEVICE, TOKEN);
    const nothing = await ask();
    check(/nothing is assigned to this device/.test(nothing), `hawkbit: ${nothing}`);
    const known = await server.stateOf(DEVICE);
    check(known?.sw_version === '1.0', `the server knows ${JSON.stringify(known)}`);
    await server.assign(DEVICE, bundle);
    const installed = await ask();
    check(/is installed/.test(installed), `hawkbit: ${installed}`);
    const state = (await server.stateOf(DEVICE))?.last_state;
    check(state === 'Running', `the server calls it ${state}`);
    const seconds = await restart(machine, setting, RESTART_MS);
    const runs = await releaseOf(machine, setting);
    check(runs === `${release} b`, `${runs} answers ${seconds.toFixed(0)} s after the order`);
    await untilSettled(machine, setting);
    await ask();
    const ended = await server.stateOf(DEVICE);
    const isTold = ended?.last_state === 'Finished' && ended.sw_version === release;
    check(isTold, `the server knows ${JSON.stringify(ended)}`);
    await machine.cutPower();
  } finally {
    server.stop();
  }
}

/** What `hearth update` says on a device whose image was made with the server's address and a token. */
async function askServer(
  machine: VirtualMachine,
  setting: Setting,
  { server, token }: { server: Goosebit; token: string },
): Promise<string> {
  await setOnDevice(machine, setting, {
    'hawkbit-url': `http://10.0.2.2:${server.port}/DEFAULT/`,
    'hawkbit-token': `TargetToken ${token}`,
  });
  const said = await onDevice(machine, setting.access, 'hearth update 2>&1 || true');
  return said.trim().split('\n').at(-1) ?? '';
}
