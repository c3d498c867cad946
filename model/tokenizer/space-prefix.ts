// Whether a fast Llama tokenizer puts a space in front of text, as sentencepiece does.
// transformers stores that as a normaliser until 4.40 and as a Metaspace pre-tokeniser since.
// Anything else would change text in a way that llama.cpp cannot repeat, and is refused.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { quote, SPACE_MARK } from './token-rows.js';
import type { Bpe } from './tokenizer-json.js';

/** Throws {@link CheckpointError} for any other preparation of text. */
export function prependsSpace({ json, filePath }: Bpe): boolean {
  const steps = [
    ...listSteps(json['normalizer'], 'normalizers'),
    ...listSteps(json['pre_tokenizer'], 'pretokenizers'),
  ];
  const kinds = steps.map(kindOf);
  const marksSpaces = kinds.includes('mark') !== kinds.some((kind) => kind?.startsWith('meta'));
  if (kinds.includes(null) || !marksSpaces)
    throw new CheckpointError(
      filePath,
      `its tokenizer.json prepares text by ${quote(steps)}; llama.cpp only replaces spaces by ${SPACE_MARK}, so it would split text differently`,
    );
  return kinds.includes('prepend') || kinds.includes('meta-prepend');
}

function listSteps(stage: unknown, listName: string): unknown[] {
  if (stage === null || stage === undefined) return [];
  const list = isJsonObject(stage) && stage['type'] === 'Sequence' ? stage[listName] : [stage];
  return Array.isArray(list) ? list.slice(0, 8) : [stage];
}

type Step = 'prepend' | 'mark' | 'meta' | 'meta-prepend' | null;

function kindOf(step: unknown): Step {
  if (!isJsonObject(step)) return null;
  if (step['type'] === 'Prepend') return step['prepend'] === SPACE_MARK ? 'prepend' : null;
  if (step['type'] === 'Replace') return marksSpace(step) ? 'mark' : null;
  return step['type'] === 'Metaspace' ? kindOfMetaspace(step) : null;
}

function marksSpace({ pattern, content }: Record<string, unknown>): boolean {
  return isJsonObject(pattern) && pattern['String'] === ' ' && content === SPACE_MARK;
}

function kindOfMetaspace(step: Record<string, unknown>): Step {
  if (step['replacement'] !== SPACE_MARK || step['split'] !== false) return null;
  const scheme = step['prepend_scheme'];
  if (scheme === 'never') return 'meta';
  return scheme === 'first' || scheme === 'always' ? 'meta-prepend' : null;
}
