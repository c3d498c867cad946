// hearth convert --imatrix as a user runs it: which types it opens, what the file says of it, and a matrix
// that is of another model or knows too little. The bytes are in quantise/stock-imatrix.test.ts.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import type { ImportanceMatrix } from '../../model/imatrix/importance-matrix.js';
import { writeImportanceMatrix } from '../../model/imatrix/write-importance-matrix.js';
import { convertSample } from '../support/converted.js';
import { hearth } from '../support/hearth.js';
import { madeUpImportance } from '../support/importance.js';

const cwd = t.testdir();
const at = (name: string) => path.join(cwd, name);
const dense = samplePath('appliance/dense');
let whole: ImportanceMatrix;

t.before(async () => {
  const source = await convertSample(cwd, 'appliance/dense', { type: 'F32' });
  whole = await madeUpImportance(source, at('imatrix.gguf'));
});

const convert = async (...words: string[]) =>
  await hearth(['convert', dense, '--chat-template', 'llama-2', ...words], { cwd });

t.test('two bits need a matrix, and the file says which it was', async (t) => {
  // Of two bits, the type whose tables llama.cpp makes soonest; IQ2_M's take some seconds of CPU.
  const refused = await convert('--type', 'IQ2_XXS', '-o', 'two.gguf');
  t.match(refused, { status: 1, stdout: '' });
  t.match(refused.stderr, /cannot become IQ2_XXS without an importance matrix.*--imatrix.*Q2_K/);
  t.notOk(existsSync(at('two.gguf')));
  const made = await convert('--type', 'iq2_xxs', '--imatrix', 'imatrix.gguf', '-o', 'two.gguf');
  t.equal(made.status, 0);
  t.notMatch(made.stderr, /warning/);
  const { metadata } = await readGgufFile(at('two.gguf'));
  t.match(metadata, {
    'general.file_type': 19,
    'quantize.imatrix.file': 'imatrix.gguf',
    'quantize.imatrix.dataset': 'made up',
    'quantize.imatrix.entries_count': whole.columns.size,
    'quantize.imatrix.chunks_count': 2,
  });
  t.match((await hearth(['inspect', 'two.gguf'], { cwd })).stdout, 'IQ2_XXS');
});

t.test('a plan without weights takes it, too; so does the choice of a type', async (t) => {
  const matrix = ['--imatrix', 'imatrix.gguf', '--dry-run', '--json'];
  const plan = await convert('--type', 'IQ2_XS', ...matrix);
  t.equal(JSON.parse(plan.stdout).type, 'IQ2_XS');
  const sizes = ['--max-size', '2.45MB'];
  t.equal(JSON.parse((await convert(...sizes, ...matrix)).stdout).type, 'IQ2_M');
  const none = await convert(...sizes, '--dry-run');
  t.match(none.stderr, /fits no type within 2\.\d MB: Q2_K, the smallest/);
  const least = await convert('--max-size', '1MB', ...matrix);
  t.match(least.stderr, /fits no type within 1\.0 MB: IQ2_XXS, the smallest/);
});

/** Written to `name`, with other columns than `whole`. */
async function matrixOf(
  name: string,
  columns: Iterable<[string, Float32Array]>,
): Promise<string[]> {
  await writeImportanceMatrix(at(name), { ...whole, columns: new Map(columns) }, { force: true });
  return ['--imatrix', name, '-o', 'out.gguf', '--force'];
}

t.test('what a matrix lacks is named: a warning where the type can be without', async (t) => {
  const lacking = [...whole.columns].filter(([name]) => !name.includes('ffn_down'));
  const words = await matrixOf('lacking.gguf', lacking);
  const warned = await convert('--type', 'Q4_K_M', ...words);
  t.equal(warned.status, 0);
  t.match(
    warned.stderr,
    /lacking\.gguf knows nothing of 6 weights, such as blk\.0\.ffn_down\.weight/,
  );
  const refused = await convert('--type', 'IQ2_XXS', ...words);
  t.equal(refused.status, 1);
  t.match(
    refused.stderr,
    /nothing of blk\.0\.ffn_down\.weight|blk\.\d\.ffn_down\.weight, which cannot be IQ2_XXS/,
  );
});

t.test('a matrix of another model is refused', async (t) => {
  const wider = [...whole.columns].map(([name, values]): [string, Float32Array] => [
    name,
    Float32Array.from({ length: values.length + 256 }, () => 1),
  ]);
  const other = await convert(...(await matrixOf('wider.gguf', wider)));
  t.equal(other.status, 1);
  t.match(
    other.stderr,
    /wider\.gguf: has \d+ columns for blk\.0\.attn_q\.weight, which has \d+; give/,
  );
  const named = [...whole.columns].map(([name, values]): [string, Float32Array] => [
    `x.${name}`,
    values,
  ]);
  const unknown = await convert(...(await matrixOf('unknown.gguf', named)));
  t.equal(unknown.status, 1);
  t.match(unknown.stderr, /unknown\.gguf: knows none of this model's weights, such as blk\.0\./);
});

t.test('a file that is no matrix is refused, and one is never overwritten', async (t) => {
  writeFileSync(at('text'), 'no matrix at all');
  const text = await convert('--imatrix', 'text');
  t.match(text, { status: 1, stdout: '' });
  t.match(text.stderr, /text: is no importance matrix/);
  const model = await convert('--imatrix', 'dense-F32.gguf');
  t.match(model.stderr, /dense-F32\.gguf: is a GGUF, but no importance matrix/);
  const itself = await convert('--imatrix', 'imatrix.gguf', '-o', 'imatrix.gguf', '--force');
  t.match(itself.stderr, /one of the files that are read/);
});

t.test('a size of a type that needs a matrix can be asked for', async (t) => {
  const { status, stdout } = await hearth(['fit', dense, '--type', 'IQ2_M', '--json'], { cwd });
  t.equal(status, 0);
  t.equal(JSON.parse(stdout).model.file_type, 'IQ2_M');
});
