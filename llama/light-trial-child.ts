// The process in which llama.cpp is tried before its parent loads it: what breaks here ends only this.
// The calls are those of node-llama-cpp's own trial, in its order and by its messages (bindings/utils/
// testBindingBinary.js of 3.22.1); it imports nothing that takes time.
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Addon } from './addon.js';
import type { GpuBackend } from './settings.js';

type Order =
  | {
      type: 'start' | 'test';
      bindingBinaryPath: string;
      /** Where other builds of the backends lie. */
      extBackendsPath?: string;
      gpu: GpuBackend | false;
    }
  | { type: 'exit' };

type Library = Extract<Order, { type: 'start' | 'test' }>;

/** As the addon counts its levels of logging. */
const ERRORS = 2;

let addon: Addon | undefined;

process.on('message', (order: Order) => {
  follow(order).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
say('ready');

async function follow(order: Order): Promise<void> {
  if (order.type === 'exit') process.exit(0);
  if (order.type === 'start') {
    addon = createRequire(import.meta.url)(order.bindingBinaryPath) as Addon;
    addon.setLoggerLogLevel(ERRORS);
    say('loaded');
  } else if (addon) {
    await tryOut(addon, order);
    say('done');
  } else throw new Error('nothing is loaded yet');
}

/** Throws where the backend is another one than it should be, or does not work. */
async function tryOut(addon: Addon, library: Library): Promise<void> {
  loadBackends(addon, library);
  await addon.init();
  addon.getGpuVramInfo();
  addon.getGpuDeviceInfo();
  await addon.getSystemMemoryInfo().catch(() => {});
  const found = addon.getGpuType();
  if (found !== library.gpu) throw new Error(`expected ${library.gpu}, and found ${found}`);
  addon.ensureGpuDeviceIsSupported();
}

function loadBackends(addon: Addon, { bindingBinaryPath, extBackendsPath, gpu }: Library): void {
  const folder = path.dirname(path.resolve(bindingBinaryPath));
  const lacks = () => (addon.getGpuType() ?? false) === false && gpu !== false;
  const isEmpty = () => addon.getGpuType() === undefined || lacks();
  addon.loadBackends();
  if (isEmpty()) addon.loadBackends(folder);
  if (isEmpty()) addon.loadBackends(path.join(path.resolve(extBackendsPath ?? folder), 'fallback'));
}

function say(type: 'ready' | 'loaded' | 'done'): void {
  process.send?.({ type });
}
