// Bundles that a device must not take, each refused with its reason; what runs goes on and is not written.
import { rm } from 'node:fs/promises';
import { makeUpdateKeys } from '../../../appliance/update/update-keys.js';
import { makeExpiredSigner } from '../../appliance/update/expired-signer.js';
import { ask, onDevice } from '../device.js';
import type { VirtualMachine } from '../virtual-machine.js';
import { type BundleMaker, flipByte, noiseBundle } from './bundles.js';
import { releaseOf, type Setting, show, startSettled, update } from './setting.js';

const MIB = 2 ** 20;

type Refusal = { what: string; bundle: string; reason: RegExp };

export async function refusals(setting: Setting): Promise<void> {
  const { check, access } = setting;
  const machine = await startSettled(setting);
  const before = await releaseOf(machine, setting);
  const written = await sumsOfRunning(machine, setting);
  for (const { what, bundle, reason } of await refused(setting.maker)) {
    await show(setting, bundle);
    const said = (await update(machine, setting)).split('\n').at(-1) ?? '';
    check(reason.test(said), `${what} is refused: ${said}`);
  }
  const { text } = await ask(machine, access, 4);
  check(text !== '' && (await releaseOf(machine, setting)) === before, `${before} answers`);
  const after = await sumsOfRunning(machine, setting);
  check(after === written, `nothing of ${before} was written: ${after.replaceAll('\n', ' ')}`);
  await machine.cutPower();
}

async function refused(maker: BundleMaker): Promise<Refusal[]> {
  const [others, expired] = [`${maker.keys}-others`, `${maker.keys}-expired`];
  for (const folder of [others, expired]) await rm(folder, { recursive: true, force: true });
  await makeUpdateKeys({ folder: others, name: 'others', days: 30 });
  makeExpiredSigner(expired, maker.keys);
  const flipped = await noiseBundle(maker, '3.3', 4 * MIB);
  await flipByte(flipped);
  return [
    {
      what: 'a wrong key',
      bundle: await noiseBundle({ ...maker, keys: others }, '3.1', MIB),
      reason: /signature verification failed/i,
    },
    {
      what: 'a certificate that has ended',
      bundle: await noiseBundle({ ...maker, keys: expired }, '3.2', MIB),
      reason: /certificate has expired/i,
    },
    { what: 'a flipped byte', bundle: flipped, reason: /input\/output error|hash/i },
    {
      what: 'the plain format',
      bundle: await noiseBundle(maker, '3.4', MIB, { format: 'plain' }),
      reason: /plain/i,
    },
    {
      what: 'a bundle for another machine',
      bundle: await noiseBundle(maker, '3.5', MIB, { compatible: 'hearth-riscv64-uefi' }),
      reason: /is for hearth-riscv64-uefi, and this is hearth-(x64|arm64)-uefi/,
    },
    {
      what: 'an image larger than its slot',
      bundle: await noiseBundle(maker, '3.6', 64 * MIB),
      reason: /too (big|small|large)|size/i,
    },
    {
      what: 'an older release',
      bundle: await noiseBundle(maker, '0.9', MIB),
      reason: /has version 0\.9, older than/,
    },
  ];
}

/** Hashes of the partitions that run. */
async function sumsOfRunning(machine: VirtualMachine, { access }: Setting): Promise<string> {
  const command =
    'cd /run/hearth-disk && for part in system model; do head -c 64M $part-$(cat slot) | md5sum; done';
  return (await onDevice(machine, access, command)).trim();
}
