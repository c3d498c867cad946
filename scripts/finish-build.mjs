// After tsc: what the package needs beside the compiled sources.
// Node runs the command straight from dist/, so it must be executable.
// Copies and bundles only; nothing here decides anything.
import { chmod } from 'node:fs/promises';

await chmod(new URL('../dist/cli.js', import.meta.url), 0o755);
