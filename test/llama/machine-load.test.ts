import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { MachineLoad } from '../../llama/machine-load.js';

t.test('what is busy for a moment is not seen', async (t) => {
  const others = [2, 0, 2, 2, 2];
  const load = new MachineLoad({ readOthers: () => others.shift() ?? 0, cores: 2 });
  t.equal(await load.isBusy(), false, 'it was gone at the second look');
  await setTimeout(300);
  t.equal(await load.isBusy(), true, 'all looks saw it');
  t.equal(await load.isBusy(), true, 'a look holds for a while');
});

t.test('between tokens that follow each other, later looks confirm', async (t) => {
  const others = [0, 2, 2, 2];
  const load = new MachineLoad({ readOthers: () => others.shift() ?? 0, cores: 2 });
  const found: boolean[] = [];
  for (let look = 0; look < 4; look++) {
    found.push(await load.isBusy());
    await setTimeout(20);
  }
  t.same(found, [false, false, false, true]);
});

t.test('a short batch does not wait for it', async (t) => {
  let looks = 0;
  const readOthers = () => {
    looks++;
    return 2;
  };
  const load = new MachineLoad({ readOthers, cores: 2 });
  t.equal(await load.isBusy({ mayWait: false }), false);
  t.equal(looks, 1);
});

t.test('a loop on every core is seen', { skip: process.platform !== 'linux' }, async (t) => {
  const loops = os.cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);']));
  t.teardown(async () => {
    for (const loop of loops) {
      loop.kill('SIGKILL');
      await once(loop, 'exit');
    }
  });
  const load = new MachineLoad();
  const endsAt = Date.now() + 20_000;
  while (!(await load.isBusy()) && Date.now() < endsAt) await setTimeout(20);
  t.equal(await load.isBusy(), true);
});
