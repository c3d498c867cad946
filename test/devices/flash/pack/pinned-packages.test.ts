// What is pinned is what package-lock.json has, so that an update of one cannot forget the other.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  NATIVE_PACKAGES,
  NODE_PACKAGES,
  NODE_VERSION,
  VULKAN_PACKAGES,
} from '../../../../devices/flash/pack/pinned-packages.js';
import { packageRoot } from '../../../support/samples.js';

t.test('pinned packages are those of package-lock.json', (t) => {
  const text = readFileSync(path.join(packageRoot, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { version: string; integrity: string }>;
  };
  for (const pinned of [
    ...Object.values(NATIVE_PACKAGES).flat(),
    ...Object.values(VULKAN_PACKAGES),
  ])
    t.match(packages[`node_modules/${pinned.name}`], {
      version: pinned.version,
      integrity: pinned.integrity,
    });
  t.ok(Object.values(NODE_PACKAGES).every(({ version }) => version === NODE_VERSION));
  t.end();
});
