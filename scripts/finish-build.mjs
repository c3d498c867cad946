// After tsc: what the package needs beside the compiled sources.
// Node runs the command straight from dist/, so it must be executable; browsers need bundles.
// Copies, bundles and compiles only; nothing here decides anything.
import { chmod, cp, rm } from 'node:fs/promises';
import { bundleWeb } from './bundle-web.mjs';
import { compileKernels } from './compile-kernels.mjs';

await chmod(new URL('../dist/cli.js', import.meta.url), 0o755);
const systemFiles = 'devices/flash/image/root/';
const copied = new URL(`../dist/${systemFiles}`, import.meta.url);
await rm(copied, { recursive: true, force: true });
await cp(new URL(`../${systemFiles}`, import.meta.url), copied, { recursive: true });
await bundleWeb();
await compileKernels();
