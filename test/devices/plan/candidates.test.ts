import { execFileSync } from 'node:child_process';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { readBaseModel } from '../../../devices/plan/base-model.js';
import { prunedCandidates, RATIOS, sizedCandidates } from '../../../devices/plan/candidates.js';
import { makeCommands } from '../../../devices/plan/shell-commands.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { convertSample } from '../../support/converted.js';

t.test('sizes are those of the files that people download', async (t) => {
  const { model, tokenizerBytes } = await readBaseModel('llama-2-7b');
  const sizes = sizedCandidates(model, tokenizerBytes, ['Q4_K_M', 'Q4_0']);
  // TheBloke/Llama-2-7B-GGUF on Hugging Face.
  t.same(
    sizes.map(({ fileBytes }) => fileBytes),
    [4_081_004_224, 3_825_807_040],
  );
});

t.test('sizes are those of the files that convert writes, before anything is pruned', async (t) => {
  const base = await readBaseModel(samplePath('appliance/dense'));
  for (const name of ['appliance/pruned-20', 'appliance/pruned-35', 'appliance/pruned-50']) {
    const { pruningArguments } = await openCheckpoint(samplePath(name));
    const [pruned] = prunedCandidates(base, {
      ratios: [Number(pruningArguments?.['pruning_ratio'])],
    });
    for (const fileType of ['Q8_0', 'Q4_K_M', 'Q2_K'] satisfies FileType[]) {
      const file = await readGgufFile(await convertSample(t.testdir(), name, { type: fileType }));
      const [size] = sizedCandidates(pruned?.model ?? base.model, base.tokenizerBytes, [fileType]);
      t.equal(size?.tensorBytes, file.sizeBytes - file.dataOffset, `${name} ${fileType}`);
      const headerDifference = file.sizeBytes - (size?.fileBytes ?? 0);
      t.ok(headerDifference >= 0 && headerDifference < 4096, `${headerDifference} bytes of names`);
    }
  }
});

t.test('ratios go from 0 to 60 % by 5, and less is left at each', async (t) => {
  t.same(RATIOS.at(0), 0);
  t.same(RATIOS.at(-1), 0.6);
  for (const ratio of [0.2, 0.35, 0.5, 0.25, 0.45]) t.ok(RATIOS.includes(ratio), `${ratio}`);
  for (const shape of ['llama-2-7b', 'llama-2-13b', 'llama-3-8b', 'vicuna-7b']) {
    const candidates = prunedCandidates(await readBaseModel(shape));
    t.equal(candidates.length, 13);
    const counts = candidates.map(({ model }) => model.nParams);
    t.same(
      counts,
      counts.toSorted((a, b) => b - a),
      shape,
    );
    t.equal(new Set(counts).size, counts.length);
  }
});

t.test("perplexity is shown where LLM-Pruner's authors published it", async (t) => {
  const shown = async (shape: string) =>
    prunedCandidates(await readBaseModel(shape))
      .filter(({ perplexity }) => perplexity)
      .map(({ ratio, perplexity }) => [ratio, perplexity?.wikitext2, perplexity?.tuned?.wikitext2]);
  // Tables 1 and 3 of the paper, and more_results/README.md.
  t.same(await shown('llama-2-7b'), [
    [0, 12.62, undefined],
    [0.25, 19.09, 17.58],
  ]);
  t.same(await shown('vicuna-7b'), [
    [0, 16.11, undefined],
    [0.25, 25.74, 19.69],
  ]);
  t.same(await shown('llama-3-8b'), [
    [0, 14.13, undefined],
    [0.25, 25.6, undefined],
  ]);
  t.same(await shown('llama-2-13b'), []);
  const otherLayers = prunedCandidates(await readBaseModel('llama-2-7b'), {
    layers: { first: 3, last: 30 },
  });
  t.equal(otherLayers.find(({ ratio }) => ratio === 0.25)?.perplexity, null);
});

/** add_argument of hf_prune.py, of llama3.py (which has the same) and of post_training.py. */
const SCRIPT_OPTIONS: Record<string, string> = {
  'hf_prune.py':
    'base_model save_ckpt_log_name pruning_ratio pruner_type temperature top_p max_seq_len channel_wise block_wise layer_wise layer block_attention_layer_start block_attention_layer_end block_mlp_layer_start block_mlp_layer_end iterative_steps grouping_strategy global_pruning taylor num_examples device test_before_train eval_device test_after_train seed save_model',
  'post_training.py':
    'base_model prune_model data_path cache_dataset extra_val_dataset output_dir batch_size micro_batch_size num_epochs learning_rate cutoff_len val_set_size prompt_template_name no_instruction lora_r lora_alpha lora_dropout lora_target_modules train_on_inputs add_eos_token group_by_length wandb_project resume_from_checkpoint local_rank',
};
SCRIPT_OPTIONS['llama3.py'] = SCRIPT_OPTIONS['hf_prune.py'] as string;

t.test('the commands name options that the scripts have, and hand on their files', async (t) => {
  for (const [shape, script] of [
    ['llama-2-7b', 'hf_prune.py'],
    ['llama-3-8b', 'llama3.py'],
  ] as const) {
    const base = await readBaseModel(shape);
    const pruned = prunedCandidates(base, { ratios: [0.45] })[0];
    if (!pruned) return;
    const commands = makeCommands(base, pruned, 'Q4_K_M');
    const [prune = '', train = '', convert = ''] = commands;
    t.match(prune, `python ${script} --base_model ${base.source} --pruning_ratio 0.45 `);
    t.match(prune, '--block_attention_layer_start 4 --block_attention_layer_end 30 ');
    t.match(prune, / --save_model$/);
    for (const command of [prune, train]) {
      const known = SCRIPT_OPTIONS[command.split(' ')[1] ?? '']?.split(' ');
      for (const [, option = ''] of command.matchAll(/ --(\w+)/g))
        t.ok(known?.includes(option), option);
    }
    const name = /--save_ckpt_log_name (\S+)/.exec(prune)?.[1];
    t.match(train, `--prune_model prune_log/${name}/pytorch_model.bin `);
    t.match(train, `--output_dir tune_log/${name} `);
    t.match(convert, `hearth convert prune_log/${name} --lora tune_log/${name} --type Q4_K_M -o `);
  }
});

t.test('an unpruned model is converted alone, from a path that stays one word', async (t) => {
  const named = await readBaseModel('llama-2-7b');
  const base = { ...named, source: "my 'models'/$(x)", isDownloaded: true };
  for (const candidate of prunedCandidates(base, { ratios: [0] })) {
    const commands = makeCommands(base, candidate, 'Q8_0');
    t.equal(commands.length, 1);
    t.same(makeCommands(named, candidate, 'Q8_0'), [
      'hf download meta-llama/Llama-2-7b-hf --local-dir llama-2-7b',
      'hearth convert llama-2-7b --type Q8_0 -o llama-2-7b-Q8_0.gguf',
    ]);
    const script = `printf '%s\\n' ${commands[0]}`;
    const words = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n');
    t.same(words.slice(0, 4), ['hearth', 'convert', base.source, '--type']);
  }
});
