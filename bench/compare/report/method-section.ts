// How everything was measured, for whoever doubts a figure: definitions, settings, machine, versions.
// Names of folders and of the machine stay out of it.
import type { EngineInfo } from '../../../runtime/engine/engine.js';
import { formatMemory, plural } from '../../../terminal/units.js';
import { hearthVersion } from '../../../terminal/version.js';
import { ANSWER_TOKENS } from '../../measure/repeated-answers.js';
import { NGRAM } from '../answers/words.js';
import type { Comparison, ScoredText } from '../comparison.js';
import { type Html, html } from './html.js';

type Fact = [name: string, text: string];

export function methodSection({ models, setting, machine }: Comparison): Html {
  const info = models.find((model) => model.info)?.info;
  const facts: Fact[] = [
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
      `One question, an answer of ${ANSWER_TOKENS} tokens, by the engine that serves chats; medians of ${setting.repeats} rounds, in each of which every model is loaded, warmed up and asked once.`,
    ],
    [
      'Memory',
      'Weights, KV cache and buffers as llama.cpp accounts for them; the peak is that of the process that held the model, and on a GPU what was in use there. Equal memory is judged by prediction, alike for both sides.',
    ],
    ...(setting.text ? textFacts(setting.text, models[0]?.quality?.startsWithBos) : []),
    [
      'Machine',
      `${machine.cpu}, ${machine.cpuCores} cores, ${formatMemory(machine.memoryBytes)}; ${machine.os}`,
    ],
    ...(info ? runFacts(info, setting.nCtx) : []),
  ];
  return html`<section class="card method"><h2>How it was measured</h2><dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

function textFacts({ name, nCtx }: ScoredText, startsWithBos = false): Fact[] {
  const begins = startsWithBos ? ', each after the token that begins a text' : '';
  return [
    [
      'Perplexity',
      `As llama-perplexity: ${name} in chunks of ${nCtx} tokens${begins}, the second half of each chunk scored; ± is the standard error of each model alone.`,
    ],
    [
      'Better or worse',
      'Two models on the same text are compared chunk by chunk (the difference of their losses, Student’s t over chunks, 4 %): what is hard for both says nothing. Speeds are compared round by round.',
    ],
    [
      'KL divergence, same next token',
      'As llama-perplexity --kl-divergence, on the same places of the text, beside the first model.',
    ],
  ];
}

function runFacts(info: EngineInfo, nCtx: number): Fact[] {
  const { backend, deviceNames, threads, hasFixedThreads, kvType, flashAttention } = info;
  const device = backend === 'cpu' ? 'CPU' : `${backend}, ${deviceNames.join(', ')}`;
  const most = hasFixedThreads || threads === 1 ? '' : 'at most ';
  return [
    [
      'Run',
      `${device}, ${most}${plural(threads, 'thread')}, ${nCtx} tokens of context, KV cache ${kvType.toUpperCase()}, flash attention ${flashAttention ? 'on' : 'off'}`,
    ],
    ['Software', `hearth ${hearthVersion()}, llama.cpp ${info.llamaCppRelease}`],
  ];
}
