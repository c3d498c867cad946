// What hearth calls of node-llama-cpp, as one file for the processes that run a model: finding and reading its 440
// modules is most of what such a process does before it opens one. Its trial of a library, which starts itself as a
// process, is a second file for the same reason. The package stays where its files are looked for: binaries, and its
// version.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeLicences } from './bundled-licences.mjs';
import { NODE_BUNDLE } from './node-bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.join(root, 'dist/llama');
/** With a link resolved, as esbuild has it. */
const sources = path.dirname(fileURLToPath(import.meta.resolve('node-llama-cpp')));

const PARTS = [
  'bindings/getLlama.js',
  'bindings/utils/NoBinaryFoundError.js',
  'bindings/types.js',
  'evaluator/LlamaGrammarEvaluationState.js',
];

/** Starts itself, as the file that it finds itself in. */
const TRIAL = 'bindings/utils/testBindingBinary.js';
const TRIAL_BUNDLE = path.basename(TRIAL);

/** Names that no module has. `require` is for those of it that are CommonJS, and found from the package. */
const BANNER = `import { createRequire as hearthRequire } from 'node:module';
import { pathToFileURL as hearthFileUrl } from 'node:url';
const hearthPackage = import.meta.resolve('node-llama-cpp');
const hearthUrlOf = (file) =>
  file === '${TRIAL}' ? new URL('./${TRIAL_BUNDLE}', import.meta.url).href : new URL(file, hearthPackage).href;
const hearthFind = (name) => hearthFileUrl(require.resolve(name)).href;
const require = hearthRequire(hearthPackage);`;

export async function bundleNodeLlama() {
  const metafiles = await Promise.all([
    bundle('node-llama-cpp.js', PARTS),
    bundle(TRIAL_BUNDLE, [TRIAL]),
  ]);
  await writeLicences(path.join(target, 'node-llama-cpp.licences.txt'), root, metafiles);
}

async function bundle(name, parts) {
  const { metafile } = await build({
    ...NODE_BUNDLE,
    absWorkingDir: root,
    stdin: {
      contents: parts.map((file) => `export * from './${file}';`).join('\n'),
      resolveDir: sources,
    },
    outfile: path.join(target, name),
    external: ['electron'],
    plugins: [withoutGit, asFromPackage],
    banner: { js: BANNER },
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
  });
  return metafile;
}

/** For building llama.cpp from its sources, which hearth never has it do. */
const withoutGit = {
  name: 'without-git',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^simple-git$/ }, () => ({ path: 'simple-git', namespace: 'left-out' }));
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({
      contents: 'export const simpleGit = undefined;',
    }));
  },
};

/** Its own files and the packages of binaries are found from where they lie in the package. */
const asFromPackage = {
  name: 'as-from-package',
  setup({ onLoad }) {
    onLoad({ filter: /node-llama-cpp\/dist\/.*\.js$/ }, async ({ path: file }) => {
      const own = JSON.stringify(path.relative(sources, file).replaceAll(path.sep, '/'));
      const source = await readFile(file, 'utf8');
      const contents = source
        .replaceAll('import.meta.url', `hearthUrlOf(${own})`)
        .replaceAll(/\bimport\(("@node-llama-cpp\/[\w-]+")\)/g, 'import(hearthFind($1))');
      return { contents, loader: 'js' };
    });
  },
};
