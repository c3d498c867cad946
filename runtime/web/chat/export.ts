// A conversation as a file: Markdown to read, JSON to keep everything.
// The browser saves it; nothing is sent anywhere.
import { el } from '../shared/dom.js';
import type { Conversation } from './conversation.js';

export function saveAsMarkdown(conversation: Conversation): void {
  saveFile(`${fileName(conversation)}.md`, 'text/markdown', toMarkdown(conversation));
}

export function saveAsJson(conversation: Conversation): void {
  const text = JSON.stringify(conversation, null, 2);
  saveFile(`${fileName(conversation)}.json`, 'application/json', text);
}

function toMarkdown({ title, settings, turns }: Conversation): string {
  const system = settings.system.trim();
  const parts = [
    `# ${title}`,
    ...(system === '' ? [] : [`> ${system.replaceAll('\n', '\n> ')}`]),
    ...turns.map(({ kind, text }) => `## ${kind === 'user' ? 'You' : 'Answer'}\n\n${text}`),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The title, of letters and digits that every file system takes. */
function fileName({ title }: Conversation): string {
  const name = title.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'conversation' : name;
}

function saveFile(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = el('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
