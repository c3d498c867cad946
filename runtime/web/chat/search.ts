// Finding conversations by words in their titles and turns, in this browser only.
// Width and case do not matter, nor whether a word is in hiragana or katakana; all words must occur.
import type { Conversation } from './conversation.js';

export type Found = {
  conversation: Conversation;
  /** Where the first word occurs in a turn; empty where it is in the title. */
  snippet: string;
};

const BEFORE = 20;
const AFTER = 60;
const KATAKANA = /[\u30a1-\u30f6]/g;
const TO_HIRAGANA = 0x60;

/** All of them, without snippets, where nothing is looked for. */
export function findConversations(list: readonly Conversation[], query: string): Found[] {
  const words = folded(query).split(/\s+/).filter(Boolean);
  // Files of many letters would take seconds at every question.
  if (words.length === 0) return list.map((conversation) => ({ conversation, snippet: '' }));
  return list.flatMap((conversation) => {
    const texts = textsOf(conversation);
    const all = [conversation.title, ...texts].map(folded);
    if (!words.every((word) => all.some((text) => text.includes(word)))) return [];
    return [{ conversation, snippet: snippetOf(conversation.title, texts, words[0]) }];
  });
}

function textsOf({ turns }: Conversation): string[] {
  return turns.flatMap((turn) =>
    turn.kind === 'user'
      ? [turn.text, ...turn.attachments.map(({ name, text }) => `${name}\n${text}`)]
      : [turn.text],
  );
}

function snippetOf(title: string, texts: string[], word: string | undefined): string {
  if (word === undefined || folded(title).includes(word)) return '';
  for (const text of texts) {
    const at = folded(text).indexOf(word);
    if (at < 0) continue;
    const start = Math.max(0, at - BEFORE);
    const part = text.slice(start, at + AFTER).replaceAll(/\s+/g, ' ');
    return `${start > 0 ? '…' : ''}${part}${at + AFTER < text.length ? '…' : ''}`;
  }
  return '';
}

function folded(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(KATAKANA, (letter) => String.fromCharCode(letter.charCodeAt(0) - TO_HIRAGANA));
}
