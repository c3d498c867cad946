// Grammars that an answer must follow: GBNF as given, or made from a JSON schema.
// Checked, then parsed by llama.cpp before the answer starts, so that a broken or hostile one costs
// only its own request.
import type { Llama, LlamaModel } from 'node-llama-cpp';
import { LlamaGrammarEvaluationState } from '../../../llama/node-llama.js';
import { nativeGrammarState } from '../../../llama/node-llama-internals.js';
import { checkGbnf } from '../../grammar/gbnf-check.js';
import { GrammarError } from '../../grammar/grammar-rules.js';
import { jsonSchemaGrammar } from '../../grammar/json-schema-grammar.js';
import type { GenerateRequest } from '../engine.js';
import { EngineError } from '../engine-error.js';

type Grammar = NonNullable<GenerateRequest['grammar']>;

/** The state that a sampler follows. Throws `bad-request` for a grammar that cannot be used. */
export async function grammarState(
  llama: Llama,
  model: LlamaModel,
  grammar: Grammar,
): Promise<object> {
  const text = checkedText(grammar);
  try {
    const parsed = await llama.createGrammar({ grammar: text });
    return nativeGrammarState(new LlamaGrammarEvaluationState({ model, grammar: parsed }));
  } catch (cause) {
    throw badGrammar(`llama.cpp does not take it: ${(cause as Error).message}`, cause);
  }
}

function checkedText(grammar: Grammar): string {
  try {
    const text = grammar.kind === 'gbnf' ? grammar.text : jsonSchemaGrammar(grammar.schema);
    checkGbnf(text);
    return text;
  } catch (thrown) {
    if (!(thrown instanceof GrammarError)) throw thrown;
    throw badGrammar(thrown.message, thrown);
  }
}

function badGrammar(reason: string, cause: unknown): EngineError {
  return new EngineError(
    {
      code: 'bad-request',
      message: `the grammar cannot be used: ${reason}; see llama.cpp's grammars/README.md for GBNF`,
    },
    { cause },
  );
}
