// A conversation as a file: Markdown to read, JSON to keep everything.
// The browser saves it; nothing is sent anywhere.
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import { shownTurns } from './branches.js';
import type { Conversation, Turn } from './conversation.js';
import { toFile } from './conversation-file.js';

export function saveAsMarkdown(conversation: Conversation): void {
  saveFile(`${fileName(conversation)}.md`, 'text/markdown', toMarkdown(conversation));
}

export function saveAsJson(conversation: Conversation): void {
  saveFile(`${fileName(conversation)}.json`, 'application/json', toFile([conversation]));
}

export function saveAllAsJson(conversations: readonly Conversation[]): void {
  saveFile(`hearth-${texts.list.allFileName}.json`, 'application/json', toFile(conversations));
}

/** The branch that is shown, and the names of files without their text. */
function toMarkdown(conversation: Conversation): string {
  const { title, settings } = conversation;
  const system = settings.system.trim();
  const parts = [
    `# ${title}`,
    ...(system === '' ? [] : [`> ${system.replaceAll('\n', '\n> ')}`]),
    ...shownTurns(conversation).map(turnAsMarkdown),
  ];
  return `${parts.join('\n\n')}\n`;
}

function turnAsMarkdown(turn: Turn): string {
  if (turn.kind === 'answer') return `## ${texts.turn.answer}\n\n${turn.text}`;
  const files = turn.attachments.map(({ name }) => `- ${name}`).join('\n');
  return [`## ${texts.turn.you}`, ...(files === '' ? [] : [files]), turn.text].join('\n\n');
}

/** The title, of letters and digits that every file system takes. */
function fileName({ title }: Conversation): string {
  const name = title.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? texts.list.fileName : name;
}

function saveFile(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = el('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
