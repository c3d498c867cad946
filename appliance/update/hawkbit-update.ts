// Updates that a hawkBit server assigns: installed as any other, and what became of one is told when it is
// known, after the restart. The server says what; when the device starts again stays its owner's choice.
import os from 'node:os';
import { DdiClient, type DdiServer, type Deployment, type Feedback } from './ddi.js';
import {
  deviceId,
  forgetOrder,
  installedRelease,
  type Order,
  readOrder,
  readOutcome,
  recordOrder,
  type UpdatableDevice,
} from './device.js';
import { type UpdateOptions, type UpdateResult, updateDevice } from './update-device.js';
import { UpdateError } from './update-error.js';

/** A network that breaks off is no reason to give an update up; a signature that is refused thrice is. */
const MAX_TRIES = 3;

export type HawkbitOptions = Omit<UpdateOptions, 'source'> & { server: DdiServer };

/** Null where the server has nothing for this device now. Rejects with {@link UpdateError}. */
export async function updateByHawkbit(options: HawkbitOptions): Promise<UpdateResult | null> {
  const { server, device, signal, root } = options;
  const client = new DdiClient(server, await deviceId(root), signal);
  await tellOutcome(client, root);
  const tasks = await tasksOf(client, device);
  if (tasks.cancelAction !== undefined) {
    await cancel(client, tasks.cancelAction, root);
    return null;
  }
  if (tasks.deploymentBase === undefined) return null;
  const deployment = await client.deployment(tasks.deploymentBase);
  return deployment.isNow ? await install(client, deployment, options) : null;
}

/** Some servers assign nothing to a device before they know what it is. */
async function tasksOf(client: DdiClient, { compatible, release }: UpdatableDevice) {
  const tasks = await client.tasks();
  if (tasks.configData === undefined) return tasks;
  // As other clients call them.
  const named = { hw_boardname: compatible, sw_version: release, hostname: os.hostname() };
  await client.tellAttributes(tasks.configData, named);
  return await client.tasks();
}

/** What was installed for an action has been started since: it stayed, or the old system is back. */
async function tellOutcome(client: DdiClient, root?: string): Promise<void> {
  const order = await readOrder(root);
  const outcome = await readOutcome(root);
  if (order?.release === undefined || (await installedRelease(root)) !== null) return;
  if (outcome?.release !== order.release || outcome.outcome === 'failed') return;
  const { release, from } = outcome;
  const end = { id: order.id, finished: 'success', details: `${release} runs` } as const;
  const back = {
    finished: 'failure',
    details: `${release} did not answer; ${from} runs again`,
  } as const;
  await close(client, outcome.outcome === 'updated' ? end : { ...end, ...back }, root);
}

async function install(
  client: DdiClient,
  { id, bundles }: Deployment,
  options: HawkbitOptions,
): Promise<UpdateResult> {
  const { root } = options;
  const known = await readOrder(root);
  const order: Order = known?.id === id ? known : { id, failures: 0 };
  try {
    const [source, second] = bundles;
    if (source === undefined || second !== undefined)
      throw new UpdateError(
        `hawkBit assigned ${bundles.length} bundles; expected one file that ends in .raucb`,
      );
    if (order !== known) await begin(client, order, root);
    const headers = client.headersFor(source);
    const result = await updateDevice({ ...options, source, headers });
    await tellResult(client, order, result, root);
    return result;
  } catch (error) {
    // Where that cannot be told, the first reason says more.
    if (error instanceof UpdateError)
      await tellFailure(client, order, error.message, root).catch(() => {});
    throw error;
  }
}

async function begin(client: DdiClient, order: Order, root?: string): Promise<void> {
  await recordOrder(order, root);
  await proceed(client, order.id, 'is being installed');
}

async function tellResult(client: DdiClient, order: Order, result: UpdateResult, root?: string) {
  const { kind, release } = result;
  if (kind === 'current') {
    await close(client, { id: order.id, finished: 'success', details: `${release} runs` }, root);
  } else if (order.release !== release) {
    await recordOrder({ ...order, release }, root);
    await proceed(client, order.id, `${release} is installed, and starts at its owner's hour`);
  }
}

async function tellFailure(client: DdiClient, order: Order, details: string, root?: string) {
  const failures = order.failures + 1;
  if (failures >= MAX_TRIES) {
    await close(client, { id: order.id, finished: 'failure', details }, root);
  } else {
    await recordOrder({ ...order, failures }, root);
    await proceed(client, order.id, `try ${failures} of ${MAX_TRIES}: ${details}`);
  }
}

/** What is installed starts with the next start, whatever the server would like by then. */
async function cancel(client: DdiClient, url: string, root?: string): Promise<void> {
  const { id, stopId } = await client.cancellation(url);
  const order = await readOrder(root);
  const isInstalled = order?.id === stopId && (await installedRelease(root)) !== null;
  if (isInstalled) {
    const details = 'it is installed already, and starts with the next start';
    await client.tell('cancelAction', { id, execution: 'rejected', finished: 'none', details });
    return;
  }
  if (order?.id === stopId) await forgetOrder(root);
  const details = 'nothing of it was installed';
  await client.tell('cancelAction', { id, execution: 'closed', finished: 'success', details });
}

async function proceed(client: DdiClient, id: string, details: string): Promise<void> {
  await client.tell('deploymentBase', { id, execution: 'proceeding', finished: 'none', details });
}

type End = Pick<Feedback & { execution: 'closed' }, 'id' | 'finished' | 'details'>;

/** The server hears of it before the device forgets it: it is told twice rather than never. */
async function close(client: DdiClient, end: End, root?: string): Promise<void> {
  await client.tell('deploymentBase', { ...end, execution: 'closed' });
  await forgetOrder(root);
}
