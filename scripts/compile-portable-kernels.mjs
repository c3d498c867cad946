// npm run make:portable-kernels: llama.cpp's ggml-quants.c, as node-llama-cpp ships it, to WebAssembly, where no
// compiler fuses a multiplication with an addition. To be run for each new llama.cpp; the result is in git, so
// that nobody else needs a compiler, and a test holds it to llama.cpp's own bytes.
// Needs git and Debian's clang, lld and wasi-libc. Of ours is only how its tables are sorted; what C lacks comes
// from JavaScript.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const RELEASE = 'node_modules/node-llama-cpp/llama/gitRelease.bundle';
const OUTPUT = 'converter/quantise/portable/ggml-quants';
const SORT = 'converter/quantise/portable/sort-pairs.c';
const LIBRARY_LICENCE = '/usr/share/doc/wasi-libc/copyright';
const SOURCES = [
  'LICENSE',
  'ggml/include',
  'ggml/src/*.h',
  'ggml/src/ggml-quants.c',
  'ggml/src/ggml-cpu/*.h',
];
const QUANTISED =
  'q4_0 q4_1 q5_0 q5_1 q8_0 q2_K q3_K q4_K q5_K q6_K iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s iq4_nl iq4_xs';
const ONLY_READ = 'q8_K iq1_s iq1_m tq1_0 tq2_0 mxfp4 nvfp4 q1_0 q2_0';
const EXPORTS = [
  ...QUANTISED.split(' ').map((type) => `quantize_${type}`),
  ...`${QUANTISED} ${ONLY_READ}`.split(' ').map((type) => `dequantize_row_${type}`),
  ...['iq2xs_init_impl', 'iq3xs_init_impl', 'malloc', 'free'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'hearth-kernels-'));
try {
  run('git', 'clone', '--quiet', '--no-checkout', path.join(root, RELEASE), folder);
  run('git', '-C', folder, 'checkout', '--quiet', 'HEAD', '--', ...SOURCES);
  run(
    ...['clang', '--target=wasm32-wasi', '-O3', '-msimd128', '-ffp-contract=off', '-DNDEBUG', '-w'],
    // Only said before llama.cpp aborts; libc's would ask for a file.
    ...['-Dprintf=ggml_printf', `-ffile-prefix-map=${folder}/=`],
    ...['-mexec-model=reactor', '-Wl,--allow-undefined', '-Wl,--strip-all'],
    ...EXPORTS.map((name) => `-Wl,--export=${name}`),
    ...['ggml/include', 'ggml/src'].map((name) => `-I${path.join(folder, name)}`),
    path.join(folder, 'ggml/src/ggml-quants.c'),
    path.join(root, SORT),
    ...['-o', path.join(root, `${OUTPUT}.wasm`)],
  );
  // A module is no program.
  chmodSync(path.join(root, `${OUTPUT}.wasm`), 0o644);
  const licences = [path.join(folder, 'LICENSE'), LIBRARY_LICENCE];
  const texts = licences.map((file) => readFileSync(file, 'utf8'));
  const names = ['llama.cpp', 'wasi-libc, of which it has malloc'];
  const parts = names.map((name, i) => `${name}\n\n${texts[i]}`);
  writeFileSync(path.join(root, `${OUTPUT}.licences.txt`), parts.join(`\n${'-'.repeat(80)}\n\n`));
} finally {
  rmSync(folder, { recursive: true });
}

function run(program, ...words) {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
}
