// The header of a converted file as other programs read it: @huggingface/gguf, the npm package gguf,
// node-llama-cpp and model/gguf/. Pairs, provenance, alignment and size.
// What the pairs of the vocabulary should be is in test/model/tokenizer/.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { gguf } from '@huggingface/gguf';
import { parseRawMetadata } from 'gguf';
import { readGgufFileInfo } from 'node-llama-cpp';
import t from 'tap';
import {
  APPLIANCES as appliance,
  FORMATS as formats,
  sampleOptions,
  samplePath,
} from '../../bench/development/sample-models.js';
import { convert } from '../../converter/convert.js';
import { prepare } from '../../converter/prepare.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { convertSample, loraPath } from '../support/converted.js';

const folder = t.testdir();
const name = 'appliance/pruned-35';
const lora = loraPath(name);

t.test('@huggingface/gguf and node-llama-cpp read the same pairs', async (t) => {
  const file = await convertSample(folder, name, { type: 'Q4_K_M', lora, name: 'Pruned ☃' });
  const { metadata } = await gguf(file, { allowLocalFile: true });
  const expected = {
    'general.architecture': 'deci',
    'general.type': 'model',
    'general.name': 'Pruned ☃',
    'general.size_label': '4.0M',
    'general.file_type': 15,
    'general.quantization_version': 2,
    'deci.block_count': 6,
    'deci.context_length': 512,
    'deci.embedding_length': 256,
    'deci.feed_forward_length': [768, 384, 384, 384, 384, 384],
    'deci.attention.head_count': [8, 4, 4, 4, 4, 4],
    'deci.attention.head_count_kv': [8, 4, 4, 4, 4, 4],
    'deci.attention.key_length': 32,
    'deci.attention.value_length': 32,
    'deci.rope.dimension_count': 32,
    'deci.vocab_size': 2048,
    'hearth.source.kind': 'llm-pruner',
    'hearth.unpadded.feed_forward_length': [768, 379, 379, 379, 379, 379],
    'hearth.unpadded.head_count': [8, 4, 4, 4, 4, 4],
    'hearth.unpadded.embedding_length': 256,
  };
  t.match(metadata, expected);
  const { metadata: nested } = await readGgufFileInfo(file);
  t.match(nested.general, { name: 'Pruned ☃', architecture: 'deci', file_type: 15 });
  t.match((await readGgufFile(file)).metadata, expected);
});

t.test('provenance names sources with the digests that sha256sum prints', async (t) => {
  const file = await convertSample(folder, name, { type: 'Q8_0', lora });
  const { metadata } = await readGgufFile(file);
  const root = samplePath(name);
  const sources = [
    path.join(root, 'pytorch_model.bin'),
    path.join(root, 'description.txt'),
    path.join(lora, 'adapter_model.bin'),
    path.join(lora, 'adapter_config.json'),
  ];
  const names = metadata['hearth.source.files'] as string[];
  const digests = metadata['hearth.source.sha256'] as string[];
  t.equal(names.length, digests.length);
  t.strictSame([...names].sort(), sources.map((source) => path.basename(source)).sort());
  for (const source of sources)
    t.equal(digests[names.indexOf(path.basename(source))], sha256(source), source);
  const pruning = JSON.parse(String(metadata['hearth.pruning.arguments']));
  t.match(pruning, { pruning_ratio: '0.506', pruner_type: 'taylor', block_wise: 'True' });
  t.match(JSON.parse(String(metadata['hearth.lora.config'])), { r: 8, peft_type: 'LORA' });
  const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));
  t.equal(metadata['hearth.version'], packageJson.version);
  t.equal(metadata['general.quantized_by'], `hearth ${packageJson.version}`);
  t.equal(metadata['hearth.parameter_count.unpruned'], 6_163_712);
});

t.test('a model whose layers are alike is a plain llama', async (t) => {
  const { metadata } = await readGgufFile(await convertSample(folder, 'formats/f_channel', {}));
  t.equal(metadata['general.architecture'], 'llama');
  t.equal(metadata['llama.attention.head_count'], 4);
  t.notOk('hearth.lora.config' in metadata);
});

for (const sample of [...appliance, ...formats])
  t.test(`${sample}: tensors are aligned, apart, whole and as large as planned`, async (t) => {
    const file = await convertSample(folder, sample, { type: 'Q5_K_M' });
    const { fileBytes } = await prepare({ ...sampleOptions(sample), type: 'Q5_K_M' });
    t.equal(statSync(file).size, fileBytes);
    const { tensors, dataOffset } = await readGgufFile(file);
    t.equal(dataOffset % 32, 0);
    let end = dataOffset;
    for (const { name, offsetBytes, sizeBytes } of tensors) {
      t.equal(offsetBytes, Math.ceil(end / 32) * 32, name);
      end = offsetBytes + sizeBytes;
    }
    t.equal(Math.ceil(end / 32) * 32, fileBytes);
  });

t.test('the npm package gguf reads a file of ten megabytes and more', async (t) => {
  const file = await convertSample(folder, 'appliance/dense', { type: 'F16' });
  t.ok(statSync(file).size > 10 << 20);
  const raw = await parseRawMetadata(file);
  if (raw.error) throw raw.error;
  t.match(raw.metadata, {
    general: { architecture: 'llama', name: 'dense' },
    llama: { block_count: 6 },
  });
});

t.test('the same input gives the same file, whatever the number of threads', async (t) => {
  const digests = new Set<string>();
  for (const threads of [1, 2, 5]) {
    const output = path.join(folder, `threads-${threads}.gguf`);
    await convert({ checkpoint: samplePath(name), lora, output, threads });
    digests.add(sha256(output));
  }
  t.equal(digests.size, 1);
});

function sha256(filePath: string): string {
  if (process.platform !== 'linux')
    return createHash('sha256').update(readFileSync(filePath)).digest('hex');
  return execFileSync('sha256sum', [filePath], { encoding: 'utf8' }).slice(0, 64);
}
