// The sampling settings that the page offers, as a table.
// Names are those of the API; a field that is left empty is not sent, and the server decides.
import type { Sampling } from './conversation.js';

export type SamplingField = {
  name: keyof Sampling;
  label: string;
  hint: string;
  min: number;
  max: number;
  step: number;
};

/** What a signed 32-bit number holds: as large as a seed or a limit may be. */
const MAX_INT32 = 2 ** 31 - 1;

export const SAMPLING_FIELDS: readonly SamplingField[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    hint: '0 is exact and repeatable, 1 is lively',
    min: 0,
    max: 2,
    step: 0.05,
  },
  {
    name: 'max_tokens',
    label: 'Longest answer',
    hint: 'in tokens; one is about ¾ of a word',
    min: 1,
    max: MAX_INT32,
    step: 1,
  },
  {
    name: 'top_p',
    label: 'Top p',
    hint: 'choose among the likeliest words that make up this part',
    min: 0,
    max: 1,
    step: 0.01,
  },
  {
    name: 'top_k',
    label: 'Top k',
    hint: 'choose among this many words; 0 for all',
    min: 0,
    max: MAX_INT32,
    step: 1,
  },
  {
    name: 'min_p',
    label: 'Min p',
    hint: 'leave out words less likely than this part of the best',
    min: 0,
    max: 1,
    step: 0.01,
  },
  {
    name: 'repeat_penalty',
    label: 'Repeat penalty',
    hint: '1 is none; above, words repeat less',
    min: 0.01,
    max: 2,
    step: 0.01,
  },
  {
    name: 'seed',
    label: 'Seed',
    hint: 'the same seed gives the same answer',
    min: 0,
    max: MAX_INT32,
    step: 1,
  },
];
