// hearth chat: a conversation in the terminal, or one answer for a script.
// stdout holds answers; figures and notices go there only where a person reads them.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { number, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { parseJson } from '../../terminal/parse-json.js';
import { defined } from '../defined.js';
import type { EngineOptions, GenerateRequest } from '../engine/engine.js';
import { defaultedFlag, engineFlags, engineOptionsOf, listFlag } from '../engine/engine-flags.js';
import { logFlags, logOptionsOf } from '../log/log-flags.js';
import { chat } from './chat.js';
import type { RequestSettings } from './dialogue.js';

const MAX_INT32 = 2 ** 31 - 1;
/** One more asks llama.cpp for a random one. */
const MAX_SEED = 2 ** 32 - 2;

const options = {
  once: valueFlag('Print only the answer to this question; stdin is not read', text('once')),
  system: valueFlag('System prompt', text('system')),
  session: valueFlag('Keep the conversation in this file, and its KV cache in FILE.kv', (file) =>
    path.resolve(text('session')(file)),
  ),
  verbose: { describe: 'With --once or piped stdin: figures on stderr', type: 'boolean' },
  temperature: defaultedFlag('0 takes the likeliest token', number('temperature', 0, 100), '0.8'),
  'top-p': defaultedFlag(
    'Choose among the likeliest tokens of this total probability',
    number('top-p', 0, 1),
    '0.95',
  ),
  'top-k': defaultedFlag(
    'Choose among this many of the likeliest tokens; 0 is all',
    wholeNumber('top-k', 0, MAX_INT32),
    '40',
  ),
  'min-p': defaultedFlag(
    'Leave out tokens less likely than this share of the likeliest',
    number('min-p', 0, 1),
    '0.05',
  ),
  'repeat-penalty': defaultedFlag(
    'Divide the logits of tokens that were said already; 1 is none',
    number('repeat-penalty', 0.01, 100),
    '1',
  ),
  seed: defaultedFlag('Seed of the choices', wholeNumber('seed', 0, MAX_SEED), 'random'),
  'max-tokens': defaultedFlag(
    'Longest answer',
    wholeNumber('max-tokens', 1, MAX_INT32),
    'what the context holds',
  ),
  stop: listFlag('Text that ends the answer; may be given several times', text('stop')),
  grammar: {
    ...valueFlag('File of a GBNF grammar that the answer follows', text('grammar')),
    conflicts: 'json-schema',
  },
  'json-schema': valueFlag('File of a JSON schema that the answer follows', text('json-schema')),
} as const satisfies Record<string, Options>;

const modelOption = {
  model: {
    describe: 'GGUF file',
    type: 'string',
    demandOption: true,
    coerce: (file: string) => path.resolve(file),
  },
} as const;

type ChatArguments = InferredOptionTypes<
  typeof options & typeof logFlags & typeof engineFlags & typeof modelOption
>;

export const chatCommand: CommandModule<object, ChatArguments> = {
  command: 'chat <model>',
  describe: 'Chat with a model in the terminal, or have one question answered',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', modelOption.model)
      .options({ ...options, ...engineFlags, ...logFlags })
      .example('$0 chat model.gguf', 'In the terminal; /help shows the commands')
      .example('$0 chat model.gguf --once "Why is the sky blue?"', 'Only the answer')
      .example('$0 chat model.gguf < question.txt', 'The same, from a file')
      .example('$0 chat model.gguf --session trip.json', 'Go on where the last chat ended'),
  handler: async (argv) => {
    process.exitCode = await chat({
      engine: await engineOptions(argv),
      log: logOptionsOf(argv),
      settings: await requestSettings(argv),
      system: argv.system ?? null,
      once: argv.once ?? null,
      sessionPath: argv.session ?? null,
      isVerbose: argv.verbose ?? false,
    });
  },
};

async function engineOptions(argv: ChatArguments): Promise<EngineOptions> {
  const options = engineOptionsOf(argv.model, argv);
  if (argv.memory === undefined) return options;
  const { withinMemory } = await import('../engine/memory-budget.js');
  return (await withinMemory(options, argv.memory)).options;
}

/** What was not asked for is left out, for the engine's defaults. */
async function requestSettings(argv: ChatArguments): Promise<RequestSettings> {
  const { 'max-tokens': maxTokens, stop, overflow = 'drop-oldest' } = argv;
  const { temperature, 'top-p': topP, 'top-k': topK, 'min-p': minP, seed } = argv;
  const sampling = { temperature, topP, topK, minP, seed, repeatPenalty: argv['repeat-penalty'] };
  const grammar = await readGrammar(argv);
  return { sampling: defined(sampling), overflow, ...defined({ maxTokens, stop, grammar }) };
}

async function readGrammar(argv: ChatArguments): Promise<GenerateRequest['grammar']> {
  const { grammar, 'json-schema': schema } = argv;
  if (grammar !== undefined) return { kind: 'gbnf', text: await readText('grammar', grammar) };
  if (schema === undefined) return undefined;
  try {
    return { kind: 'json-schema', schema: parseJson(await readText('JSON schema', schema)) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`the JSON schema ${schema} is not JSON: ${error.message}`);
  }
}

async function readText(what: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`the ${what} ${file} cannot be read: ${error.message}`);
  });
}
