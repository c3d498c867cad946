// Every sample of LLM-Pruner and transformers, against what PyTorch loads from the same file.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { fixtures } from '../../support/samples.js';
import { tensorTable } from './tensor-table.js';

const pytorch: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(path.join(fixtures, 'checkpoints/pytorch-tensors.json'), 'utf8'),
);

for (const [sample, expected] of Object.entries(pytorch))
  t.test(`${sample} has the tensors that PyTorch sees`, async (t) => {
    const checkpoint = await openCheckpoint(samplePath(sample));
    t.strictSame(tensorTable(checkpoint.tensors), expected);
  });

t.test('a pickled checkpoint tells its head size, config, arguments and files', async (t) => {
  const folder = samplePath('formats/f_gqa');
  const checkpoint = await openCheckpoint(folder);
  t.equal(checkpoint.kind, 'llm-pruner');
  t.equal(checkpoint.path, folder);
  t.equal(checkpoint.headSize, 16);
  t.equal(checkpoint.config['rope_theta'], 500000);
  t.equal(checkpoint.config['torch_dtype'], 'float16');
  t.equal(checkpoint.generationConfig?.['eos_token_id'], 2);
  t.equal(checkpoint.pruningArguments?.['save_ckpt_log_name'], 'f_gqa');
  t.strictSame(checkpoint.files, [
    path.join(folder, 'pytorch_model.bin'),
    path.join(folder, 'description.txt'),
  ]);
});

t.test('the file and its folder are the same checkpoint', async (t) => {
  const folder = samplePath('formats/f_global');
  const [byFolder, byFile] = [
    await openCheckpoint(folder),
    await openCheckpoint(path.join(folder, 'pytorch_model.bin')),
  ];
  t.strictSame({ ...byFile, path: folder }, byFolder);
});

t.test('a Hugging Face folder brings its config, generation config and tokenizer', async (t) => {
  const folder = samplePath('appliance/dense');
  const checkpoint = await openCheckpoint(folder);
  t.equal(checkpoint.kind, 'hugging-face');
  t.equal(checkpoint.config['model_type'], 'llama');
  t.equal(checkpoint.generationConfig?.['bos_token_id'], 1);
  t.equal(checkpoint.pruningArguments, null);
  t.equal(checkpoint.tokenizer?.kind, 'sentencepiece');
  t.strictSame(
    checkpoint.files.map((file) => path.basename(file)),
    [
      'model.safetensors',
      'config.json',
      'tokenizer.model',
      'special_tokens_map.json',
      'tokenizer_config.json',
      'generation_config.json',
    ],
  );
});

t.test('a shared output projection is left out and told', async (t) => {
  const tied = await openCheckpoint(samplePath('formats/f_tied'));
  t.ok(tied.tiedEmbeddings);
  t.notOk(tied.tensors.has('lm_head.weight'));
  t.notOk((await openCheckpoint(samplePath('formats/f_gqa'))).tiedEmbeddings);
});

t.test('an aborted signal ends the opening', async (t) => {
  const opening = openCheckpoint(samplePath('formats/f_gqa'), { signal: AbortSignal.abort() });
  await t.rejects(opening, { name: 'AbortError' });
});
