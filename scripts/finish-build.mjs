// After tsc: what the package needs beside the compiled sources.
// Node runs the command straight from dist/, so it must be executable; browsers need bundles.
// Copies, bundles and compiles only; nothing here decides anything.
import { chmod, cp, rm } from 'node:fs/promises';
import { bundleCommand } from './bundle-command.mjs';
import { bundleHuggingFaceGguf } from './bundle-huggingface-gguf.mjs';
import { bundleNodeLlama } from './bundle-node-llama.mjs';
import { bundleReport } from './bundle-report.mjs';
import { bundleTap } from './bundle-tap.mjs';
import { bundleWeb } from './bundle-web.mjs';
import { compileKernels } from './compile-kernels.mjs';

await bundleCommand();
await chmod(new URL('../dist/cli.js', import.meta.url), 0o755);
for (const file of ['pack/install.sh', 'pack/uninstall.sh', 'image/root/'])
  await copyToDist(`appliance/${file}`);
for (const file of ['ggml-quants.wasm', 'ggml-quants.licences.txt'])
  await copyToDist(`converter/quantise/portable/${file}`);
await copyToDist('pruner/text/general.txt');
await copyToDist('bench/compare/default-text.txt');
await bundleWeb();
await bundleReport();
await bundleHuggingFaceGguf();
await bundleNodeLlama();
await bundleTap();
await compileKernels();

async function copyToDist(file) {
  const [from, to] = ['../', '../dist/'].map((root) => new URL(root + file, import.meta.url));
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}
