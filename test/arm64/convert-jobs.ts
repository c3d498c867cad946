// A program that both processors run: `convert-jobs APP JOBS` converts with the hearth that lies in APP what the
// JSON file JOBS asks for, in its folder, and prints a line for each: its name and the file's SHA-256.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ConvertOptions } from '../../converter/convert.js';

export type ConvertJob = {
  name: string;
  /** A file name, in the folder of the jobs. */
  importance?: string;
  /** Paths are below that folder. */
  options: Pick<ConvertOptions, 'checkpoint' | 'lora' | 'tokenizer' | 'type'>;
};

const [app = '', list = ''] = process.argv.slice(2);
const converter = (await import(path.join(app, 'dist/converter/index.js'))) as {
  convert: typeof import('../../converter/convert.js').convert;
  readImportanceMatrix: typeof import('../../model/imatrix/read-importance-matrix.js').readImportanceMatrix;
};
process.chdir(path.dirname(list));
const output = `${path.basename(list, '.json')}-on-${process.arch}.gguf`;

for (const { name, importance, options } of JSON.parse(
  readFileSync(list, 'utf8'),
) as ConvertJob[]) {
  const matrix = importance && (await converter.readImportanceMatrix(importance));
  const more = { threads: 1, force: true, ...(matrix && { importance: matrix }) };
  await converter.convert({ ...options, ...more, output });
  const digest = createHash('sha256').update(readFileSync(output)).digest('hex');
  process.stdout.write(`${name}\t${digest}\n`);
}
rmSync(output, { force: true });
