// @huggingface/gguf as one file, without the tables of models and widgets of @huggingface/tasks, of which it names
// the types of weights alone: 70 modules otherwise, found and read by almost every command.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeLicences } from './bundled-licences.mjs';
import { NODE_BUNDLE } from './node-bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.join(root, 'dist/model/gguf');
const TASKS = '@huggingface/tasks';

export async function bundleHuggingFaceGguf() {
  const { metafile } = await build({
    ...NODE_BUNDLE,
    absWorkingDir: root,
    stdin: { contents: "export * from '@huggingface/gguf';", resolveDir: root },
    outfile: path.join(target, 'huggingface-gguf-bundle.js'),
    alias: { [TASKS]: path.join(root, 'node_modules', TASKS, 'dist/esm/gguf.js') },
    legalComments: 'none',
    metafile: true,
  });
  await writeLicences(path.join(target, 'huggingface-gguf.licences.txt'), root, [metafile]);
}
