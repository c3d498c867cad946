import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  ALIGN_BYTES,
  DATA_BYTES,
  diskLayout,
  freeRanges,
  partitionTable,
  uuidsFrom,
} from '../../../appliance/image/partitions.js';
import { findTool, needs } from '../../support/needs.js';

const content = { efi: 70_000_000, settings: 4096, system: 150_000_001, model: 3_500_000 };
const layout = layoutOf({ hasUpdates: true });

function layoutOf({ hasUpdates }: { hasUpdates: boolean }) {
  return diskLayout({ content, uuidOf: uuidsFrom('a seed'), hasUpdates });
}

t.test('partitions lie one after the other on whole MiB, each large enough', (t) => {
  const { partitions, sizeBytes } = layout;
  let next = ALIGN_BYTES;
  for (const { startBytes, sizeBytes } of partitions) {
    t.equal(startBytes, next);
    t.equal(sizeBytes % ALIGN_BYTES, 0);
    next = startBytes + sizeBytes;
  }
  t.equal(sizeBytes, next + ALIGN_BYTES, 'with room for the copy of the table');
  const sizes = Object.fromEntries(partitions.map(({ name, sizeBytes }) => [name, sizeBytes]));
  t.equal(sizes['system-a'], sizes['system-b']);
  t.ok((sizes['system-a'] ?? 0) >= content.system * 1.2, 'an update may be larger');
  t.ok((sizes['efi'] ?? 0) >= content.efi && (sizes['settings'] ?? 0) >= content.settings);
  t.equal(sizes['model-a'], sizes['model-b']);
  t.ok((sizes['model-a'] ?? 0) >= content.model * 1.05, 'and so may the next model');
  t.equal(sizes['data'], DATA_BYTES);
  t.equal(partitions.at(-1)?.name, 'data', 'the last one, to grow');
  t.end();
});

t.test('a device that takes no updates has room for one model', (t) => {
  const { partitions } = layoutOf({ hasUpdates: false });
  const models = partitions.filter(({ name }) => name.startsWith('model-'));
  t.match(models, [{ name: 'model-a', sizeBytes: 4 * ALIGN_BYTES }]);
  t.equal(models.length, 1);
  t.end();
});

const skip = needs('sfdisk');

t.test('sfdisk reads the table as it was meant', { skip }, (t) => {
  const disk = path.join(t.testdir(), 'disk.img');
  const file = openSync(disk, 'w');
  ftruncateSync(file, layout.sizeBytes);
  closeSync(file);
  const program = String(findTool('sfdisk'));
  execFileSync(program, ['--quiet', disk], { input: partitionTable(layout), stdio: 'pipe' });
  t.equal(
    execFileSync(program, ['--verify', disk], { encoding: 'utf8', stdio: 'pipe' }).includes(
      'No errors detected.',
    ),
    true,
  );
  const { partitiontable } = JSON.parse(
    execFileSync(program, ['--json', disk], { encoding: 'utf8' }),
  );
  t.equal(partitiontable.id.toLowerCase(), layout.diskUuid);
  t.strictSame(
    partitiontable.partitions.map((found: Record<string, string | number>) => ({
      name: found['name'],
      type: found['type'],
      uuid: String(found['uuid']).toLowerCase(),
      startBytes: Number(found['start']) * 512,
      sizeBytes: Number(found['size']) * 512,
    })),
    layout.partitions.map((partition) => ({ ...partition, name: `hearth-${partition.name}` })),
  );
  t.end();
});

t.test('only what lies behind read-only contents is free', (t) => {
  const ranges = freeRanges(layout, content);
  const byName = new Map(layout.partitions.map((partition) => [partition.name, partition]));
  for (const [name, used] of [
    ['system-a', content.system],
    ['system-b', content.system],
    ['settings', content.settings],
    ['model-a', content.model],
    ['model-b', 0],
  ] as const) {
    const { startBytes, sizeBytes } = byName.get(name) as { startBytes: number; sizeBytes: number };
    const wanted = { startBytes: startBytes + used, endBytes: startBytes + sizeBytes };
    t.ok(
      ranges.some(
        (range) => range.startBytes === wanted.startBytes && range.endBytes === wanted.endBytes,
      ),
      name,
    );
  }
  t.equal(ranges.length, 5);
  t.end();
});

t.test('the same seed gives the same UUIDs, which are of version 4', (t) => {
  const [one, same, other] = ['x', 'x', 'y'].map((seed) => uuidsFrom(seed)('data'));
  t.equal(one, same);
  t.not(one, other);
  t.not(one, uuidsFrom('x')('efi'));
  t.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.end();
});
