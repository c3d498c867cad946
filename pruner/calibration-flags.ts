// What `hearth calibrate` and `hearth prune` ask alike: the text, and what of this machine runs the model.
import { GPU_CHOICES, threadsFlag } from '../llama/settings.js';
import { many, text, valueFlag } from '../terminal/flags.js';
import { parseSize } from '../terminal/units.js';
import { GENERAL_TEXT_NAME } from './general-text.js';

export const DEFAULT_TOKENS = 16_384;

export const calibrationFlags = {
  text: {
    describe: 'File of text to calibrate with, UTF-8; may be given several times',
    type: 'string',
    requiresArg: true,
    coerce: many(text('text')),
    defaultDescription: GENERAL_TEXT_NAME,
  },
  memory: {
    ...valueFlag('Take at most so much memory, such as 8GiB', parseSize),
    defaultDescription: 'what is free',
  },
  gpu: {
    describe: 'GPU backend; auto takes one where there is one',
    choices: GPU_CHOICES,
    default: 'auto',
  },
  threads: { ...threadsFlag('CPU threads'), defaultDescription: 'as many as are quickest' },
  force: { describe: 'Replace an existing file', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;
