import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { readBaseModel } from '../../../devices/plan/base-model.js';
import { type PrunedCandidate, prunedCandidates } from '../../../devices/plan/candidates.js';
import { makeCommands } from '../../../devices/plan/shell-commands.js';
import { hearth } from '../../support/hearth.js';

type Candidate = {
  type: string;
  file_bytes: number;
  memory_bytes: number;
  fits: boolean;
  tokens_per_second: { low: number; typical: number; high: number } | null;
};
type Plan = {
  budget_bytes: number;
  least_pruning_ratio: number | null;
  least_pruning_by_type: Record<string, number | null>;
  commands: string[];
  prune_command: string | null;
  prune_for_command: string;
  llm_pruner_needs: string | null;
  published_frontier:
    | { pruning_ratio: number; type: string; memory_bytes: number; perplexity_factor: number }[]
    | null;
  ratios: { pruning_ratio: number; parameters: number; types: Candidate[] }[];
};

async function plan(...words: string[]): Promise<Plan> {
  const { status, stdout, stderr } = await hearth(['plan', ...words, '--json']);
  t.equal(status, 0, stderr);
  return JSON.parse(stdout) as Plan;
}

t.test('Llama-2-7B needs no pruning to fit 8 GB at Q4_K_M, and 13B does', async (t) => {
  const small = await plan('llama-2-7b', '--device', 'rtx-3060-8gb');
  t.equal(small.least_pruning_ratio, 0);
  t.match(small.commands.at(-1), /^hearth convert llama-2-7b --type Q4_K_M /);
  t.test('what others measured says which pairs are worth choosing from', async (t) => {
    const frontier = small.published_frontier ?? [];
    const of = (ratio: number, name: string) =>
      frontier.find(({ pruning_ratio, type }) => pruning_ratio === ratio && type === name);
    t.equal(of(0, 'Q4_K_M')?.perplexity_factor.toFixed(4), '1.0281', '6.2331 + 0.1754 by 6.2331');
    const pruned = ((17.58 / 12.62) * 6.4085) / 6.2331;
    t.equal(of(0.25, 'Q4_K_M')?.perplexity_factor.toFixed(6), pruned.toFixed(6));
    t.notOk(of(0, 'Q2_K'), 'more memory than pruned Q3_K_M, and worse');
    for (const [i, { memory_bytes, perplexity_factor }] of frontier.slice(1).entries()) {
      t.ok(memory_bytes > (frontier[i]?.memory_bytes ?? 0));
      t.ok(perplexity_factor < (frontier[i]?.perplexity_factor ?? 0));
    }
  });
  const large = await plan('llama-2-13b', '--device', 'rtx-3060-8gb');
  t.equal(large.published_frontier, null, 'of which no pruned model was measured');
  t.ok((large.least_pruning_ratio ?? 0) > 0.2);
  t.match(large.commands[0], `--pruning_ratio ${large.least_pruning_ratio} `);
  t.equal(large.commands.length, 3);
  t.match(
    large.prune_command,
    /^hearth prune llama-2-13b --kv-heads \d+ --n-ff \d+ --layers 4-37 /,
  );
  t.match(large.llm_pruner_needs, /torch 2\.6\.0 and transformers 4\.49\.0.*"use_cache": false/);
  t.match(small, { llm_pruner_needs: null, prune_command: null });
});

t.test('where its rounding leaves all heads, LLM-Pruner is told to look for none', async (t) => {
  const base = await readBaseModel('llama-3-8b');
  const [few, many] = prunedCandidates(base, { ratios: [0.1, 0.25] });
  // torch.cat of no heads ends LLM-Pruner; an empty range does not.
  const attention = (pruned?: PrunedCandidate) =>
    pruned && makeCommands(base, pruned, 'Q4_K_M')[0]?.match(/attention_layer_(start|end) \d+/g);
  t.same(attention(few), ['attention_layer_start 4', 'attention_layer_end 4']);
  t.same(attention(many), ['attention_layer_start 4', 'attention_layer_end 30']);
});

t.test('every ratio comes in every type, and the least that fits is marked', async (t) => {
  const words = ['vicuna-7b', '--device', 'jetson-orin-nano', '--ctx', '2048', '--type', 'Q5_K_M'];
  const { ratios, least_pruning_by_type: least, budget_bytes: budget } = await plan(...words);
  t.equal(ratios.length, 13);
  t.equal(ratios.find((row) => row.pruning_ratio === 0.25)?.parameters, 5_422_977_024);
  for (const type of Object.keys(least)) {
    const candidates = ratios.map((row) => row.types.find((size) => size.type === type));
    const first = candidates.findIndex((candidate) => candidate?.fits);
    t.equal(least[type], ratios[first]?.pruning_ratio ?? null, type);
    for (const candidate of candidates) {
      t.equal(candidate?.fits, (candidate?.memory_bytes ?? 0) <= budget);
      const { low = 0, typical = 0, high = 0 } = candidate?.tokens_per_second ?? {};
      t.equal(candidate?.fits, low > 0 && low < typical && typical < high);
    }
  }
  const { stdout } = await hearth(['plan', ...words]);
  t.match(stdout, new RegExp(`│ → │ +${least['Q5_K_M']?.toFixed(2)} │`));
  t.match(stdout, /WikiText-2 perplexity of Vicuna-7B .* https:\/\/arxiv\.org\/abs\/2305\.11627/);
  t.match(stdout, /Worth choosing from by published figures[\s\S]*11 pruned pairs had a figure/);
  t.ok(stdout.split('\n').every((line) => !line.startsWith('│') || line.length <= 110));
});

t.test('a folder is planned with its own tokenizer and layers', async (t) => {
  const folder = samplePath('appliance/dense');
  const planned = await plan(folder, '--device', 'raspberry-pi-5-8gb', '--layers', '2-4');
  const { stdout } = await hearth(['convert', folder, '--type', 'Q8_0', '--dry-run', '--json']);
  const converted = JSON.parse(stdout) as { file_bytes: number };
  const q8 = planned.ratios[0]?.types.find(({ type }) => type === 'Q8_0');
  t.ok(Math.abs(converted.file_bytes - (q8?.file_bytes ?? 0)) < 4096);
  t.match(planned.commands.at(-1), `hearth convert ${folder} `);
  t.match(
    planned.prune_for_command,
    new RegExp(`^hearth prune ${folder} --for raspberry-pi-5-8gb --ctx \\d+ -o .*\\.gguf$`),
  );
});

t.test('what no pruning makes fit is said, with exit code 1', async (t) => {
  const words = ['plan', 'llama-2-13b', '--device', 'apple-m1-8gb', '--type', 'Q8_0'];
  const { status, stdout } = await hearth(words);
  t.equal(status, 1);
  t.match(
    stdout,
    /No pruning up to 0\.6 makes Q8_0 fit with 4096 tokens of context: take a smaller/,
  );
  t.notMatch(stdout, 'hf_prune.py');
});

t.test('bad input is named, and usage mistakes exit with 2', async (t) => {
  const folder = t.testdir({ empty: {} });
  const bert = path.join(folder, 'config.json');
  writeFileSync(bert, JSON.stringify({ model_type: 'bert' }));
  const device = ['--device', 'rtx-3060-8gb'];
  const mistakes: [words: string[], status: number, message: RegExp][] = [
    [['llama-2-7b'], 2, /device/],
    [
      ['llama-2-7b', '--device', 'rtx-3060'],
      1,
      /no device is called "rtx-3060"; nearest: rtx-3060/,
    ],
    [['llama-2-7b', ...device, '--ctx', '-5'], 2, /--ctx takes a whole number from 1 to/],
    [['llama-2-7b', ...device, '--layers', '9-4'], 2, /--layers takes the first and the last/],
    [['llama-2-7b', ...device, '--layers', '4-32'], 1, /the last layer is 31/],
    [
      ['llama-9', ...device],
      1,
      /llama-9: is neither a file nor a name that hearth knows; .* llama-2-7b/,
    ],
    [[path.join(folder, 'empty'), ...device], 1, /has no config\.json; .*unpruned model/],
    [[bert, ...device], 1, /model_type "bert"/],
  ];
  for (const [words, status, stderr] of mistakes)
    t.match(await hearth(['plan', ...words]), { status, stdout: '', stderr }, words.join(' '));
});
