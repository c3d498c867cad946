// Asks llama.cpp's own grammar which texts it takes from the first character to the end: JSON of a model's
// path and cases of a grammar and texts on stdin, a list of booleans for each case out.
// Nothing is generated; the model only brings the tokens that a text is made of.
import { json } from 'node:stream/consumers';
import {
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  openNodeLlama,
} from '../../../llama/node-llama.js';
import { nativeBindings, nativeGrammarState } from '../../../llama/node-llama-internals.js';

export type GrammarCases = { modelPath: string; cases: { grammar: string; texts: string[] }[] };

type GrammarFollower = {
  canBeNextTokenForGrammarEvaluationState(state: object, token: number): boolean;
  acceptGrammarEvaluationStateToken(state: object, token: number): void;
};

const { modelPath, cases } = (await json(process.stdin)) as GrammarCases;
const llama = await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
const model = await llama.loadModel({ modelPath, vocabOnly: true });
const follower = nativeBindings(llama).AddonSampler as unknown as GrammarFollower;
const end = model.tokens.eos as number;

const taken: boolean[][] = [];
for (const { grammar: text, texts } of cases) {
  const grammar = await llama.createGrammar({ grammar: text });
  const whole = new LlamaGrammarEvaluationState({ model, grammar });
  taken.push(texts.map((one) => takes(whole.clone(), one)));
}
process.stdout.write(JSON.stringify(taken), () => process.exit());

function takes(state: InstanceType<typeof LlamaGrammarEvaluationState>, text: string): boolean {
  const native = nativeGrammarState(state);
  for (const token of [...model.tokenize(text, false, 'trimLeadingSpace'), end]) {
    if (!follower.canBeNextTokenForGrammarEvaluationState(native, token)) return false;
    follower.acceptGrammarEvaluationStateToken(native, token);
  }
  return true;
}
