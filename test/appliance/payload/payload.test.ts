import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { installedDependencies } from '../../../appliance/payload/dependencies.js';
import { packageFiles } from '../../../appliance/payload/package-files.js';
import { PINNED_PACKAGES, VULKAN_PACKAGES } from '../../../appliance/payload/pinned-packages.js';
import { packageRoot } from '../../support/samples.js';

type LockedPackage = {
  version: string;
  integrity?: string;
  dev?: boolean;
  devOptional?: boolean;
  optional?: boolean;
  cpu?: string[];
};
const lock = JSON.parse(readFileSync(path.join(packageRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

t.test('what is pinned is what the lock file installs', (t) => {
  for (const { koffi, llama } of Object.values(PINNED_PACKAGES))
    for (const { name, version, integrity } of [koffi, llama]) {
      const locked = lock.packages[`node_modules/${name}`];
      if (locked) t.match(locked, { version, integrity }, name);
    }
  for (const { name, version, integrity } of Object.values(VULKAN_PACKAGES))
    t.match(lock.packages[`node_modules/${name}`], { version, integrity }, name);
  const { koffi, llama } = PINNED_PACKAGES['linux-x64'];
  for (const { name } of [koffi, llama]) t.ok(lock.packages[`node_modules/${name}`], name);
  const version = (name: string) => lock.packages[`node_modules/${name}`]?.version;
  for (const { koffi, llama } of Object.values(PINNED_PACKAGES)) {
    t.equal(koffi.version, version('koffi'));
    t.equal(llama.version, version('node-llama-cpp'));
  }
  t.end();
});

t.test("dependencies are the lock file's, without development and other machines'", (t) => {
  const found = installedDependencies(packageRoot).map(({ place }) => place);
  const locked = Object.entries(lock.packages).filter(([place, { dev, devOptional, cpu }]) => {
    return (
      place !== '' && !dev && !devOptional && !cpu && existsSync(path.join(packageRoot, place))
    );
  });
  const known = new Set(locked.map(([place]) => place));
  t.strictSame(
    found.filter((place) => !known.has(place)),
    [],
    'none that npm install --omit=dev would not install',
  );
  const installing = /prebuild-install|node-gyp/;
  const missing = [...known].filter((place) => !found.includes(place));
  t.ok(found.length > 100 && missing.length < 40, `${missing.length} only for installing`);
  for (const name of ['better-sqlite3', 'fastify', 'koffi', 'node-llama-cpp', 'yargs', 'bindings'])
    t.ok(found.includes(`node_modules/${name}`), name);
  t.notOk(found.some((place) => installing.test(place)));
  t.end();
});

t.test('types, sources and papers stay here, licences go along', (t) => {
  const files = (name: string) => packageFiles(name, path.join(packageRoot, 'node_modules', name));
  const fastify = files('fastify');
  t.ok(
    fastify.includes('package.json') &&
      fastify.includes('LICENSE') &&
      fastify.includes('fastify.js'),
  );
  t.notOk(fastify.some((file) => /\.d\.ts$|\.md$/.test(file)));
  const sqlite = files('better-sqlite3');
  t.ok(sqlite.includes('lib/index.js'));
  t.notOk(sqlite.some((file) => /^(deps|src|build)\//.test(file)));
  t.strictSame(fastify, [...fastify].sort());
  t.end();
});
