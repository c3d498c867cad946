// What is counted of an answer: its words, how much it repeats itself, how far it is from another.
// Words, not tokens, so that models with different tokenizers are counted alike.
// Judges no meaning: an answer in other words is different, and may be as good.
import { editDistance } from '../../../terminal/nearest-names.js';

/** Words of any script, in lower case, without punctuation. */
export function words(text: string): string[] {
  return segments(text).flatMap(({ word }) => word ?? []);
}

/** By Unicode's rules, and by dictionary where a script has no spaces. */
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'word' });

/** Words in a row that count as a repetition when they come again. */
export const NGRAM = 4;

/**
 * Share of an answer's n-grams that were there before: 1 - different n-grams / n-grams, from 0 to
 * almost 1. With n = 4 it is seq-rep-4 of Welleck et al. 2019, "Neural text generation with
 * unlikelihood training". 0 for an answer of fewer than n words.
 */
export function repetitionRate(text: readonly string[], n = NGRAM): number {
  const count = text.length - n + 1;
  if (count <= 0) return 0;
  const grams = new Set<string>();
  for (let i = 0; i < count; i++) grams.add(text.slice(i, i + n).join('\0'));
  return 1 - grams.size / count;
}

/**
 * Words to insert, delete or replace to get from one answer to the other, of the longer one's words:
 * 0 for the same words, 1 where none is in its place.
 */
export function wordDifference(a: readonly string[], b: readonly string[]): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 0 : editDistance(a, b) / longer;
}

/** A part of an answer, and whether its words are missing at this place in the other answer. */
export type MarkedPart = { text: string; isChanged: boolean };

/** Longer pairs of answers are not marked: time and memory grow with the product of their lengths. */
const MAX_CELLS = 4_000_000;

/** `text` in parts, those words marked that a longest common sequence with `other` leaves out. */
export function markChanges(text: string, other: string): MarkedPart[] {
  const [own, theirs] = [segments(text), words(other)];
  const ownWords = own.flatMap(({ word }) => word ?? []);
  if (ownWords.length * theirs.length > MAX_CELLS) return [{ text, isChanged: false }];
  const isKept = keptWords(ownWords, theirs);
  const parts: MarkedPart[] = [];
  let at = 0;
  for (const { text: piece, word } of own) {
    const isChanged = word !== null && !isKept[at++];
    const last = parts.at(-1);
    if (last && last.isChanged === isChanged) last.text += piece;
    else parts.push({ text: piece, isChanged });
  }
  return parts;
}

function segments(text: string): { text: string; word: string | null }[] {
  return [...SEGMENTER.segment(text)].map(({ segment, isWordLike }) => ({
    text: segment,
    word: isWordLike ? segment.toLowerCase() : null,
  }));
}

/** Which of `a` are in a longest common subsequence of both. */
function keptWords(a: readonly string[], b: readonly string[]): boolean[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const kept = a.map(() => false);
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      kept[i++] = true;
      j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return kept;
}
