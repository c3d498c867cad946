// How everything was measured, for whoever doubts a figure: definitions, settings, machine, versions.
// Names of folders and of the machine stay out of it.
import { formatMemory } from '../../../terminal/units.js';
import { hearthVersion } from '../../../terminal/version.js';
import { ANSWER_TOKENS } from '../../measure/repeated-answers.js';
import { NGRAM } from '../answers/words.js';
import type { Comparison } from '../comparison.js';
import { type Html, html } from './html.js';

export function methodSection({ models, setting, machine }: Comparison): Html {
  const info = models.find((model) => model.info)?.info;
  const { text } = setting;
  const facts: [string, string][] = [
    [
      'Answers',
      `The likeliest token each time, at most ${setting.maxTokens}; each model's own chat template.`,
    ],
    [
      'Repetition',
      `1 − different runs of ${NGRAM} words / runs of ${NGRAM} words in an answer (seq-rep-${NGRAM}, Welleck et al. 2019). 0 % repeats nothing.`,
    ],
    [
      'Difference',
      'Words to insert, delete or replace to get the first model’s answer, of the longer answer’s words. It says how far, not how good: other words may be as right.',
    ],
    [
      'Speed',
      `One question, an answer of ${ANSWER_TOKENS} tokens, by the engine that serves chats; medians of ${setting.repeats} after a warm-up.`,
    ],
    [
      'Memory',
      'Weights, KV cache and buffers as llama.cpp accounts for them; the peak is that of the process that held the model, and on a GPU what was in use there. Equal memory is judged by prediction, alike for both sides.',
    ],
    ...(text
      ? ([
          [
            'Perplexity',
            `As llama-perplexity: ${text.name} in chunks of ${text.nCtx} tokens, each after the token that begins a text, the second half of each chunk scored; ± is the standard error.`,
          ],
          [
            'KL divergence, same next token',
            'As llama-perplexity --kl-divergence, on the same places of the text, beside the first model.',
          ],
        ] as [string, string][])
      : []),
    [
      'Machine',
      `${machine.cpu}, ${machine.cpuCores} cores, ${formatMemory(machine.memoryBytes)}; ${machine.os}`,
    ],
    ...(info
      ? ([
          [
            'Run',
            `${info.backend === 'cpu' ? 'CPU' : `${info.backend}, ${info.deviceNames.join(', ')}`}, ${info.hasFixedThreads || info.threads === 1 ? '' : 'at most '}${info.threads} ${info.threads === 1 ? 'thread' : 'threads'}, ${setting.nCtx} tokens of context, KV cache ${info.kvType.toUpperCase()}, flash attention ${info.flashAttention ? 'on' : 'off'}`,
          ],
          ['Software', `hearth ${hearthVersion()}, llama.cpp ${info.llamaCppRelease}`],
        ] as [string, string][])
      : []),
  ];
  return html`<section class="card method"><h2>How it was measured</h2><dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}
