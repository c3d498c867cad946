// npm run bench:real on a small real model: rows that say how they were made, a second run that measures
// nothing again, and a pair that cannot be made told by name.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { pairName, pairsOf } from '../../../../bench/development/real/pairs.js';
import { readRealRows, rowName } from '../../../../bench/development/real/real-row.js';
import { sourcesOf } from '../../../../bench/development/real/sources.js';
import { commandsOf } from '../../../../bench/development/real/step.js';
import { samplePath } from '../../../../bench/development/sample-models.js';
import { runProgram } from '../../../support/hearth.js';
import { packageRoot } from '../../../support/samples.js';

const folder = t.testdir({ bad: { 'config.json': '{}' } });
const at = (name: string) => path.join(folder, name);
const text = path.join(packageRoot, 'bench/compare/default-text.txt');
const script = path.join(packageRoot, 'dist/bench/development/real-bench.js');
const bench = (...words: string[]) =>
  runProgram([
    ...[process.execPath, script, '--model', samplePath('appliance/dense'), '--text', text],
    ...['--text-ctx', '64', '--chunks', '2', '--tokens', '256', '--pruned', at('bad')],
    ...['--type', 'IQ2_XXS', '--rounds', '0', '--threads', '1', '--gpu', 'off'],
    ...['--folder', at('made'), '--output', at('rows.jsonl'), ...words],
  ]);
const rows = () => readRealRows(readFileSync(at('rows.jsonl'), 'utf8'), 'rows.jsonl');

t.test('a row a pair, each with its commands; what there cannot be is told', async (t) => {
  const { status, stderr, stdout } = await bench('--only', 'dense', 'bad/F16');
  t.equal(status, 1);
  t.match(stderr, /3 pairs, of which 0 are there/);
  t.match(stderr, /left out: IQ2_XXS without an importance matrix: llama\.cpp refuses/);
  t.match(stderr, /skipped: bad\/F16: bad-F16\.gguf could not be made/);
  const [dense, quantised, ...others] = rows();
  t.same(others, []);
  t.match(dense, { type: 'F16', kl: 0, same_top: 1, n_chunks: 2, rounds: [] });
  t.match(quantised, { type: 'IQ2_XXS', imatrix: true, kl: Number, perplexity: Number });
  t.same(quantised?.commands, [
    'hearth convert dense --type F16 -o dense-F16.gguf',
    'hearth calibrate dense-F16.gguf --tokens 256 --grams -o dense-imatrix.gguf',
    'hearth convert dense-F16.gguf --type IQ2_XXS --imatrix dense-imatrix.gguf -o dense-IQ2_XXS-imatrix.gguf',
  ]);
  t.ok((quantised?.predicted_bytes ?? 0) > (quantised?.size_bytes ?? 0));
  t.match(stdout, /dense\/IQ2_XXS\+imatrix .* nothing/);
});

t.test('what is there is not measured again, but of another text', async (t) => {
  const before = rows();
  const again = await bench('--only', 'dense');
  t.equal(again.status, 0);
  t.match(again.stderr, /2 pairs, of which 2 are there/);
  t.same(rows(), before);
  const other = await bench('--only', 'dense/F16', '--chunks', '3');
  t.match(other.stderr, /1 pair, of which 0 are there/);
  t.same(rows().map(rowName), before.map(rowName));
});

t.test(
  'a pruned model is made of the dense one’s calibration, and has a matrix of its own',
  (t) => {
    const given = { model: 'smol', text: 'a.txt', nTokens: 1024, search: '2m' };
    const sources = sourcesOf({ ...given, pruned: ['log/smol-20'], ratios: [0.35] });
    const pairs = pairsOf(sources, ['Q8_0', 'Q3_K_M']);
    const pair = pairs.find((one) => pairName(one) === 'prune-35/Q3_K_M+imatrix');
    t.equal(pairs.length, 3 * 4, 'F16, Q8_0, Q3_K_M without and with');
    t.same(pair && commandsOf(pair.file), [
      'hearth convert smol --type F16 -o dense-F16.gguf',
      'hearth calibrate dense-F16.gguf --tokens 1024 --text a.txt --grams -o dense-imatrix.gguf',
      'hearth prune dense-F16.gguf --ratio 0.35 --type F16 --calibration dense-imatrix.gguf --search 2m --text a.txt -o prune-35-F16.gguf',
      'hearth calibrate prune-35-F16.gguf --tokens 1024 --text a.txt -o prune-35-imatrix.gguf',
      'hearth convert prune-35-F16.gguf --type Q3_K_M --imatrix prune-35-imatrix.gguf -o prune-35-Q3_K_M-imatrix.gguf',
    ]);
    t.throws(
      () => sourcesOf({ ...given, pruned: ['a/p', 'b/p'], ratios: [] }),
      /two models would be called p; rename a folder/,
    );
    t.end();
  },
);
