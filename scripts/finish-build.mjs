// After tsc: what the package needs beside the compiled sources.
// Node runs the command straight from dist/, so it must be executable; browsers need bundles.
// Copies, bundles and compiles only; nothing here decides anything.
import { chmod, copyFile } from 'node:fs/promises';
import { bundleReport } from './bundle-report.mjs';
import { bundleWeb } from './bundle-web.mjs';
import { compileKernels } from './compile-kernels.mjs';

await chmod(new URL('../dist/cli.js', import.meta.url), 0o755);
for (const script of ['install.sh', 'uninstall.sh'])
  await copyToDist(`devices/flash/pack/${script}`);
await bundleWeb();
await bundleReport();
await compileKernels();

async function copyToDist(file) {
  await copyFile(
    new URL(`../${file}`, import.meta.url),
    new URL(`../dist/${file}`, import.meta.url),
  );
}
