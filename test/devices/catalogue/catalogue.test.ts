import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  catalogueEntries,
  deviceCatalogue,
  findDevice,
  UnknownDeviceError,
  userCatalogueFile,
} from '../../../devices/catalogue/catalogue.js';
import { CatalogueError, readCatalogueFile } from '../../../devices/catalogue/catalogue-file.js';
import schema from '../../../devices/catalogue/devices.schema.json' with { type: 'json' };
import { packageRoot } from '../../support/samples.js';

const GIB = 2 ** 30;
const GB = 1e9;
const emptyHome = { XDG_CONFIG_HOME: '/nonexistent' };

t.test('the published figures of the cards that are often mixed up', async (t) => {
  const published: [id: string, memoryBytes: number, bandwidth: number][] = [
    ['rtx-3060-8gb', 8 * GIB, 240 * GB],
    ['rtx-3060-12gb', 12 * GIB, 360 * GB],
    ['rtx-5060-8gb', 8 * GIB, 448 * GB],
    ['rtx-4060-8gb', 8 * GIB, 272 * GB],
    ['jetson-orin-nano-8gb', 8 * GIB, 68 * GB],
  ];
  for (const [id, memoryBytes, bandwidthBytesPerSecond] of published)
    t.match(await findDevice(id), { id, memoryBytes, bandwidthBytesPerSecond });
});

t.test("a Jetson's memory is shared, about 5.2 GiB of it are usable", async (t) => {
  const jetson = await findDevice('jetson-orin-nano-8gb');
  t.equal(jetson.kind, 'shared');
  t.equal(((jetson.memoryBytes - jetson.reservedBytes) / GIB).toFixed(1), '5.2');
});

t.test('every class that people ask for is there', async (t) => {
  const ids = (await deviceCatalogue({ env: emptyHome })).map(({ id }) => id);
  const asked =
    'rtx-3060-12gb rtx-3060-8gb rtx-3070 rtx-4070 rtx-2060 rtx-2070 rtx-3050 rtx-3080 rtx-4060 rtx-4060-ti-8gb rtx-4060-ti-16gb rtx-4070-ti rtx-5060 rtx-5060-ti rtx-5070 rx-6600 rx-6700-xt rx-7600 rx-7800-xt arc-a750 arc-b580 apple-m1 apple-m2 apple-m3 apple-m4 jetson-orin-nano raspberry-pi-5-8gb raspberry-pi-5-16gb n100 rk3588';
  for (const name of asked.split(' '))
    t.ok(
      ids.some((id) => id.startsWith(name)),
      name,
    );
  t.equal(new Set(ids).size, ids.length);
});

t.test('each figure names a page', async (t) => {
  for (const { id, memory, reserved, bandwidth, compute } of await catalogueEntries())
    for (const { source } of [memory, reserved, bandwidth, compute])
      t.match(source, /^https:\/\/[\w.-]+\/\S+$/, id);
});

t.test(
  'a device is found by id, by name, and without its memory where that is clear',
  async (t) => {
    for (const name of ['RTX 3060 8GB', 'rtx_3060_8gb', 'NVIDIA GeForce RTX 3060 8 GB'])
      t.match(await findDevice(name), { id: 'rtx-3060-8gb' }, name);
    t.match(await findDevice('rtx 4070'), { id: 'rtx-4070-12gb' });
  },
);

t.test('an unknown name is refused with the nearest ones', async (t) => {
  const nearest: [name: string, ids: string[]][] = [
    ['rtx-3060', ['rtx-3060-8gb', 'rtx-3060-12gb']],
    ['rtx-4007-12gb', ['rtx-4070-12gb']],
    ['rasberry-pi-5-8gb', ['raspberry-pi-5-8gb']],
    ['rtx 3006 8gb', ['rtx-3060-8gb']],
  ];
  for (const [name, ids] of nearest) {
    const error = await findDevice(name).then(
      () => t.fail(name),
      (error: unknown) => error,
    );
    t.ok(error instanceof UnknownDeviceError);
    const { code, nearest, message } = error as UnknownDeviceError;
    t.equal(code, 'UNKNOWN_DEVICE');
    for (const id of ids) {
      t.ok(nearest.includes(id), `${name}: ${nearest}`);
      t.match(message, id);
    }
  }
});

t.test('the schema is strict for editors, too, as reading is', (t) => {
  type Schema = {
    type?: string;
    additionalProperties?: boolean;
    properties?: Record<string, Schema>;
    items?: Schema;
  };
  const strict = (schema: Schema): boolean =>
    (schema.type !== 'object' || schema.additionalProperties === false) &&
    [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])].every(
      strict,
    );
  t.ok(strict(schema as Schema));
  t.end();
});

const OWN = {
  id: 'my-card',
  name: 'My card',
  kind: 'discrete',
  backend: 'cuda',
  memory: { value: 8, unit: 'GiB', source: 'measured' },
  reserved: { value: 100, unit: 'MiB', source: 'measured' },
  bandwidth: { value: 300.5, unit: 'GB/s', source: 'measured' },
  compute: { value: 900, unit: 'GFLOPS', source: 'measured' },
};

t.test("hearth's own file is as its schema says", async (t) => {
  const file = path.join(packageRoot, 'devices/catalogue/devices.json');
  t.same(await readCatalogueFile(file), await catalogueEntries({ env: emptyHome }));
});

t.test('users add devices and correct ours', async (t) => {
  const files = [1, 2].map((i) => path.join(t.testdir(), `${i}.json`)) as [string, string];
  writeFileSync(files[0], JSON.stringify({ version: 1, devices: [OWN] }));
  const corrected = { ...OWN, id: 'rtx-3060-8gb', reserved: { ...OWN.reserved, value: 0 } };
  writeFileSync(files[1], JSON.stringify({ version: 1, devices: [corrected] }));
  t.same(await findDevice('my card', { files }), {
    id: 'my-card',
    name: 'My card',
    kind: 'discrete',
    backend: 'cuda',
    memoryBytes: 8 * GIB,
    reservedBytes: 100 * 2 ** 20,
    bandwidthBytesPerSecond: 300.5 * GB,
    computeFlops: 9e11,
  });
  t.match(await findDevice('rtx-3060-8gb', { files }), { reservedBytes: 0 });
  const [ours, theirs] = [await deviceCatalogue(), await deviceCatalogue({ files })];
  t.equal(theirs.length, ours.length + 1);
});

t.test("the user's own file needs no option", async (t) => {
  const env = {
    XDG_CONFIG_HOME: t.testdir({
      hearth: { 'devices.json': JSON.stringify({ version: 1, devices: [OWN] }) },
    }),
  };
  t.match(await findDevice('my-card', { env }), { id: 'my-card' });
  t.equal(userCatalogueFile({ XDG_CONFIG_HOME: '/etc/x' }), '/etc/x/hearth/devices.json');
  t.match(userCatalogueFile({ XDG_CONFIG_HOME: 'x' }), /\.config\/hearth\/devices\.json$/);
});

t.test('a broken file is refused: what is wrong, where, and what to write', async (t) => {
  const without = ({ unit: _, ...figure }: typeof OWN.memory) => figure;
  const broken: [content: unknown, message: RegExp][] = [
    ['{', /is not JSON/],
    [`${'['.repeat(9000)}${']'.repeat(9000)}`, /is not JSON: more than 200 levels deep/],
    [[], /the file is \[\]; expected an object/],
    [{ version: 1 }, /the file has no devices/],
    [{ version: 2, devices: [] }, /version is 2; expected 1/],
    [
      { version: 1, devices: [{ ...OWN, bandwith: 1 }] },
      /devices\[0\] \("my-card"\) has the unknown key "bandwith"; known are id, .*bandwidth/,
    ],
    [
      { version: 1, devices: [{ ...OWN, bandwidth: without(OWN.bandwidth) }] },
      /devices\[0\] \("my-card"\)\.bandwidth has no unit; expected GB\/s/,
    ],
    [
      { version: 1, devices: [{ ...OWN, memory: { value: 8, unit: 'GB', source: 'x' } }] },
      /memory\.unit is "GB"; expected GiB or MiB/,
    ],
    [
      { version: 1, devices: [{ ...OWN, compute: { value: 1, unit: 'TFLOPS' } }] },
      /compute has no source; expected where the figure is from/,
    ],
    [{ version: 1, devices: [{ ...OWN, memory: '8GiB' }] }, /memory is "8GiB"; expected an object/],
    [
      { version: 1, devices: [{ ...OWN, bandwidth: { ...OWN.bandwidth, value: -1 } }] },
      /bandwidth\.value is -1; expected a number above 0/,
    ],
    [{ version: 1, devices: [{ ...OWN, id: 'My Card' }] }, /id is "My Card"; expected lower-case/],
    [{ version: 1, devices: [{ ...OWN, kind: 'gpu' }] }, /kind is "gpu"; expected discrete or/],
    [{ version: 1, devices: [OWN, OWN] }, /two devices with the id "my-card"/],
    [
      { version: 1, devices: [{ ...OWN, reserved: { ...OWN.reserved, value: 8192 } }] },
      /nothing is left for a model/,
    ],
  ];
  const file = path.join(t.testdir(), 'broken.json');
  for (const [content, message] of broken) {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    const error = await deviceCatalogue({ files: [file] }).catch((error: unknown) => error);
    t.ok(error instanceof CatalogueError, String(message));
    t.match((error as Error).message, message);
    t.match((error as Error).message, file);
  }
  await t.rejects(deviceCatalogue({ files: ['/nonexistent/x.json'] }), {
    code: 'HEARTH_CATALOGUE',
  });
});
