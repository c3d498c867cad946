// Grammars that an answer must follow: GBNF as given, or made from a JSON schema.
// Parsed by llama.cpp before the answer starts, so that a broken one costs its own request alone.
// What a schema asks beyond json-schema.ts is refused there by name.
import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp';
import type { GenerateRequest } from '../contract.js';
import { EngineError } from '../engine-error.js';
import { gbnfOfSchema } from './json-schema.js';
import { nativeGrammarState } from './native.js';

/** Longer grammars take llama.cpp minutes to parse. */
const MAX_GRAMMAR_CHARS = 256 * 1024;

/** The state that a sampler follows. Throws `bad-request` for a grammar that does not parse. */
export async function grammarState(
  llama: Llama,
  model: LlamaModel,
  grammar: NonNullable<GenerateRequest['grammar']>,
): Promise<object> {
  const text = grammar.kind === 'gbnf' ? grammar.text : await gbnfOfSchema(llama, grammar.schema);
  if (text.length > MAX_GRAMMAR_CHARS)
    throw badGrammar(`it has ${text.length} characters; at most ${MAX_GRAMMAR_CHARS} are taken`);
  try {
    const parsed = await llama.createGrammar({ grammar: text });
    return nativeGrammarState(new LlamaGrammarEvaluationState({ model, grammar: parsed }));
  } catch (cause) {
    throw badGrammar((cause as Error).message);
  }
}

function badGrammar(reason: string): EngineError {
  return new EngineError({
    code: 'bad-request',
    message: `the grammar cannot be used: ${reason}; see llama.cpp's grammars/README.md for GBNF`,
  });
}
