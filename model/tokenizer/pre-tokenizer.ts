// Finds llama.cpp's name for the way a byte-level BPE tokenizer splits text into words.
// llama.cpp's converter hashes the tokens of a test text, which knows published vocabularies only and
// would have to run a stranger's expressions; a table of the expressions knows any vocabulary.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { quote } from './token-rows.js';
import type { Bpe } from './tokenizer-json.js';

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const TAIL = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACES}`;
const LLAMA_3 = String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|${TAIL}`;
const QWEN_2 = String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|${TAIL}`;
const [UPPER, LOWER] = [
  String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`,
  String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
];
const TEKKEN_WORD = String.raw`[^\r\n\p{L}\p{N}]?`;
const TEKKEN = String.raw`${TEKKEN_WORD}${UPPER}*${LOWER}+|${TEKKEN_WORD}${UPPER}+${LOWER}*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`;

type KnownSplit = { pre: string; steps: string[]; ignoreMerges: boolean };

/** `ignoreMerges` is part of what the name means to llama.cpp (llama-vocab.cpp). */
const KNOWN: KnownSplit[] = [
  { pre: 'llama-bpe', steps: [`split ${LLAMA_3}`, 'bytes'], ignoreMerges: true },
  { pre: 'smaug-bpe', steps: [`split ${LLAMA_3}`, 'bytes'], ignoreMerges: false },
  { pre: 'qwen2', steps: [`split ${QWEN_2}`, 'bytes'], ignoreMerges: false },
  { pre: 'tekken', steps: [`split ${TEKKEN}`, 'bytes'], ignoreMerges: true },
  { pre: 'gpt-2', steps: ['split as GPT-2', 'bytes'], ignoreMerges: false },
  { pre: 'smollm', steps: ['digits', 'split as GPT-2', 'bytes'], ignoreMerges: false },
];

/** Throws {@link CheckpointError} for a split that llama.cpp has no name for. */
export function preTokenizerName({ json, ignoreMerges, filePath }: Bpe): string {
  const steps = listSteps(json['pre_tokenizer']);
  const split = KNOWN.find(
    (known) =>
      known.ignoreMerges === ignoreMerges &&
      known.steps.length === steps.length &&
      known.steps.every((step, i) => step === steps[i]),
  );
  if (split) return split.pre;
  throw new CheckpointError(
    filePath,
    `its tokenizer.json splits text by ${quote(json['pre_tokenizer'])} with ignore_merges ${ignoreMerges}, which llama.cpp cannot reproduce; hearth knows the splits ${KNOWN.map(({ pre }) => pre).join(', ')}`,
  );
}

function listSteps(preTokenizer: unknown): (string | null)[] {
  if (!isJsonObject(preTokenizer)) return [];
  const { type, pretokenizers } = preTokenizer;
  const isSequence = type === 'Sequence' && Array.isArray(pretokenizers);
  const steps: unknown[] = isSequence ? pretokenizers.slice(0, 8) : [preTokenizer];
  return steps.flatMap(describeStep);
}

/** Null, which matches nothing, for a step that the table does not speak of. */
function describeStep(step: unknown): (string | null)[] {
  if (!isJsonObject(step)) return [null];
  if (step['type'] === 'Split') return [describeSplit(step)];
  if (step['type'] === 'Digits') return [step['individual_digits'] === true ? 'digits' : null];
  if (step['type'] !== 'ByteLevel' || step['add_prefix_space'] !== false) return [null];
  return step['use_regex'] === false ? ['bytes'] : ['split as GPT-2', 'bytes'];
}

/** The known expressions match every character, so what lies between matches is empty. */
function describeSplit({ pattern, behavior, invert }: Record<string, unknown>): string | null {
  const regex = isJsonObject(pattern) ? pattern['Regex'] : null;
  const keepsMatches =
    (behavior === 'Isolated' && invert !== true) || (behavior === 'Removed' && invert === true);
  if (typeof regex !== 'string' || !keepsMatches) return null;
  return `split ${regex.replaceAll('\r', String.raw`\r`).replaceAll('\n', String.raw`\n`)}`;
}
