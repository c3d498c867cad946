// hearth fit as a user runs it: on a checkpoint, on the file that convert makes of it, on one device,
// on all, and on what it cannot be asked.
import { truncateSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { convertSample } from '../../support/converted.js';
import { hearth } from '../../support/hearth.js';

const folder = t.testdir();
const sample = 'appliance/pruned-35';
const gguf = await convertSample(folder, sample, { type: 'Q6_K' });

async function fitJson(...args: string[]) {
  const { stdout } = await hearth(['fit', ...args, '--json']);
  return JSON.parse(stdout);
}

t.test('a checkpoint is judged as the file that convert would make of it', async (t) => {
  const device = ['--device', 'rtx-3060-8gb'];
  const planned = await fitJson(samplePath(sample), '--type', 'Q6_K', ...device);
  const written = await fitJson(gguf, ...device);
  t.same(planned.memory, written.memory);
  t.match(planned, { model: { kind: 'checkpoint', file_type: 'Q6_K' }, verdict: { kind: 'fits' } });
  t.match(written, { model: { kind: 'gguf', file_type: 'Q6_K', parameters: 4_014_592 } });
});

t.test('the report shows bars, verdict, speed and advice', async (t) => {
  const { stdout, status } = await hearth(['fit', gguf, '--device', 'rtx-3060-8gb']);
  t.equal(status, 0);
  for (const word of ['weights', 'KV cache', 'compute', 'overhead', 'margin', '█'])
    t.match(stdout, word);
  t.match(stdout, /^Verdict {2}fits$/m);
  t.match(stdout, /^Speed .* tok\/s \(likely \d+\)/m);
  t.match(stdout, /Best type: F16 fits with 512 tokens/);
});

t.test('the parts of the picture are those of the sum', async (t) => {
  const { memory, needed_bytes } = await fitJson(gguf, '--memory', '1GiB', '--ctx', '512');
  const { device, host } = memory;
  t.equal(needed_bytes, (device ?? host).total_bytes);
  const { weights_bytes, kv_bytes, compute_bytes, overhead_bytes } = device ?? host;
  t.equal(weights_bytes + kv_bytes + compute_bytes + overhead_bytes, needed_bytes);
});

t.test('without a device, all are told', async (t) => {
  const { fits } = await fitJson(gguf);
  const ids = fits.map((fit: { device: { id: string } }) => fit.device.id);
  for (const id of ['rtx-3060-8gb', 'raspberry-pi-5-8gb', 'jetson-orin-nano-8gb'])
    t.ok(ids.includes(id), id);
});

t.test('what fits nothing is an error for a script', async (t) => {
  const { stdout, status } = await hearth(['fit', gguf, '--memory', '60MiB']);
  t.equal(status, 1);
  t.match(stdout, /does not fit, \d+ MiB short/);
  t.match(stdout, 'hearth plan');
});

t.test('what cannot be asked is refused with what to do', async (t) => {
  const cut = await convertSample(folder, 'formats/f_gqa', { type: 'Q8_0' });
  const whole = path.join(folder, 'f_gqa-F16.gguf');
  await convertSample(folder, 'formats/f_gqa', { type: 'F16' });
  truncateSync(cut, 20_000);
  const cases: [args: string[], status: number, message: RegExp][] = [
    [[gguf, '--device', 'rtx-3060-8'], 1, /nearest: rtx-3060-8gb/],
    [[gguf, '--memory', '8'], 2, /"8" is not a size/],
    [[gguf, '--memory', '8GiB', '--device', 'rtx-3060-8gb'], 2, /mutually exclusive/],
    [[gguf, '--ctx=-512'], 2, /--ctx takes a whole number/],
    [[gguf, '--type', 'Q8_0'], 1, /--type is for a checkpoint/],
    [[cut], 1, /cut off/],
    [[whole, '--kv-type', 'Q8_0', '--memory', '1GiB'], 1, /multiple of 32.*use F16/],
    [[path.join(folder, 'nothing.gguf')], 1, /cannot be read/],
  ];
  for (const [args, status, message] of cases) {
    const run = await hearth(['fit', ...args]);
    t.equal(run.status, status, args.join(' '));
    t.match(run.stderr, message);
    t.equal(run.stdout, '');
  }
});
