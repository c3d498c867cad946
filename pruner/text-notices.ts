// What to say of a text before a model is calibrated with it: that it is short, in another script than the
// languages that the model is made for, as far as its file or its model card names them, or unlikely to the
// model itself, which is all that tells languages of one script apart. A wrong warning is worse than none.
import path from 'node:path';
import { isGguf, readGgufFile } from '../model/gguf/gguf-file.js';
import { readTextFile } from '../terminal/text-file.js';
import { formatPercent, plural } from '../terminal/units.js';

/** Fewer make a poor importance matrix. */
const FEW_TOKENS = 8_192;

/** Null for a text that is long enough. */
export function shortTextNotice(nTokens: number): string | null {
  if (nTokens >= FEW_TOKENS) return null;
  return `${plural(nTokens, 'token')} of text, in whole chunks, are few to calibrate with; ${FEW_TOKENS} or more do better (a longer --text, or more --tokens)`;
}

/**
 * Of English prose, a page of documentation and code SmolLM2 with 135 M weights, a small model, makes 0.6 to 1.1
 * nats a byte; of French and German, which it does not speak, 1.2 to 1.4. Larger models make less of either.
 */
const MOST_NATS_PER_BYTE = 1.2;

/** Null for a text of a kind that the model knows. */
export function unlikelyTextNotice(natsPerByte: number): string | null {
  // NaN is for the calibration to tell, which knows the layer.
  if (!(natsPerByte > MOST_NATS_PER_BYTE)) return null;
  return `the model finds this text unlikely (${natsPerByte.toFixed(2)} nats a byte; what it was trained on has less than ${MOST_NATS_PER_BYTE}), as one in a language that it does not speak; a --text like what it will be asked calibrates better`;
}

/** As much of a text as is looked at. */
const LOOKED_AT = 2 ** 18;
/** Foreign names and code aside, a text has more letters than that of its own language. */
const LEAST_SHARE = 0.1;

/** Null where nothing is amiss, or nothing known. `modelPath` is a GGUF, or a checkpoint's folder. */
export async function languageNotice(text: string, modelPath: string): Promise<string | null> {
  const { languages, source } = await languagesOf(modelPath);
  const scripts = languages.map(scriptsOf);
  if (scripts.length === 0 || scripts.includes(null)) return null;
  const share = shareOfLetters(text.slice(0, LOOKED_AT), scripts.flat());
  if (share === null || share >= LEAST_SHARE) return null;
  const names = languages.map((language) => LANGUAGE_NAMES.of(language)).join(', ');
  return `${source} names ${names} as what this model speaks, and ${formatPercent(share, 0)} of the text's letters are of that script; a --text like what it will be asked calibrates better`;
}

const LANGUAGE_NAMES = new Intl.DisplayNames(['en'], { type: 'language' });

type Languages = { languages: string[]; source: string };

async function languagesOf(modelPath: string): Promise<Languages> {
  if (await isGguf(modelPath)) {
    const { metadata } = await readGgufFile(modelPath);
    const stored = metadata['general.languages'];
    const languages = Array.isArray(stored) ? stored.map(String) : [];
    return { languages, source: 'general.languages' };
  }
  const card = path.join(modelPath, 'README.md');
  const content = await readTextFile(card, MAX_CARD_BYTES).catch(() => '');
  return { languages: languagesOfCard(content), source: 'its README.md' };
}

const MAX_CARD_BYTES = 2 ** 20;

/** `language:` of the YAML on top of a model card: one code, `[en, de]`, or a list of lines. */
function languagesOfCard(card: string): string[] {
  const [, head = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? [];
  const [, listed = ''] = /^language:(.*(?:\r?\n\s*- .*)*)/m.exec(head) ?? [];
  return listed.match(/[\w-]*\w/g) ?? [];
}

/** Of scripts that are written together, those that no other language has; elsewhere a script is its own. */
const OWN_SCRIPTS: Record<string, string[]> = {
  Jpan: ['Hira', 'Kana'],
  Kore: ['Hang'],
  Hans: ['Hani'],
  Hant: ['Hani'],
};

/** Null for what is no language, such as `multilingual`. */
function scriptsOf(language: string): string[] | null {
  try {
    const { script } = new Intl.Locale(language).maximize();
    return script === undefined ? null : (OWN_SCRIPTS[script] ?? [script]);
  } catch {
    return null;
  }
}

/** Null for a text without letters. */
function shareOfLetters(text: string, scripts: readonly (string | null)[]): number | null {
  const own = new RegExp(`[${scripts.map((code) => `\\p{Script=${code}}`).join('')}]`, 'gu');
  const count = (letters: RegExp) => text.match(letters)?.length ?? 0;
  const all = count(/\p{L}/gu);
  return all === 0 ? null : count(own) / all;
}
