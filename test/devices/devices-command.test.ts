import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { deviceCatalogue } from '../../devices/catalogue/catalogue.js';
import { hearth } from '../support/hearth.js';

const env = { XDG_CONFIG_HOME: '/nonexistent' };

t.test(
  'devices lists this machine and every device, with the memory left for a model',
  async (t) => {
    const { status, stdout, stderr } = await hearth(['devices'], { env });
    t.match({ status, stderr }, { status: 0, stderr: '' });
    t.match(stdout, /This machine\n {2}CPU +\S.*\n {2}memory +[\d.]+ GiB, .* free\n/);
    t.match(stdout, /│ rtx-3060-8gb +│ +8\.00 GiB │ +7\.00 GiB │ 240\.0 GB\/s │ cuda +│/);
    for (const { id } of await deviceCatalogue({ env })) t.match(stdout, `│ ${id} `);
    const widths = stdout.split('\n').filter((line) => line.startsWith('│'));
    t.ok(widths.every((line) => line.length <= 80));
  },
);

t.test('--json has every figure with its source, and the devices of a file', async (t) => {
  const file = path.join(t.testdir(), 'mine.json');
  const figure = (value: number, unit: string) => ({ value, unit, source: 'measured' });
  const mine = {
    id: 'mine',
    name: 'Mine',
    kind: 'cpu',
    backend: 'cpu',
    memory: figure(4, 'GiB'),
    reserved: figure(512, 'MiB'),
    bandwidth: figure(12.5, 'GB/s'),
    compute: figure(100, 'GFLOPS'),
  };
  writeFileSync(file, JSON.stringify({ version: 1, devices: [mine] }));
  const { stdout } = await hearth(['devices', '--json', '--devices', file], { env });
  const { machine, devices } = JSON.parse(stdout) as {
    machine: Record<string, unknown>;
    devices: { id: string }[];
  };
  t.match(machine, { memory_bytes: Number, bandwidth_bytes_per_second: Number, os: String });
  t.match(devices.at(-1), {
    id: 'mine',
    memory_bytes: 4 * 2 ** 30,
    reserved_bytes: 512 * 2 ** 20,
    bandwidth_bytes_per_second: 12.5e9,
    compute_flops: 1e11,
    sources: { memory: { source: 'measured' } },
  });
});

t.test('a broken file of devices is named before anything is measured', async (t) => {
  const file = path.join(t.testdir(), 'broken.json');
  writeFileSync(file, '{"version": 1, "devices": [{"id": "x"}]}');
  t.match(await hearth(['devices', '--devices', file]), {
    status: 1,
    stdout: '',
    stderr: `hearth: ${file}: devices[0] ("x") has no name; expected the name as sold\n`,
  });
});
