// The chat template that --chat-template names: one of hearth's own, or a file with Jinja.
// It is only parsed here, by a process of its own, so that a mistake shows before the model is loaded.
import { readFile, stat } from 'node:fs/promises';
import { templateProblem } from '../../model/template/bounded-template.js';
import { BUILT_IN_TEMPLATES } from '../../model/template/built-in-templates.js';

/** The longest published one has 30 kB. */
const MAX_TEMPLATE_BYTES = 256 << 10;

/** Throws Error naming the file, and what is wrong with it. */
export async function readChatTemplate(choice: string): Promise<string> {
  const named = Object.entries(BUILT_IN_TEMPLATES).find(([name]) => name === choice);
  if (named) return named[1];
  const stats = await stat(choice).catch(() => null);
  if (!stats?.isFile()) {
    const names = Object.keys(BUILT_IN_TEMPLATES).join(', ');
    throw new Error(`${choice} is no chat template; expected ${names} or a file with Jinja`);
  }
  if (stats.size > MAX_TEMPLATE_BYTES)
    throw new Error(
      `${choice} has ${stats.size} bytes; a chat template has ${MAX_TEMPLATE_BYTES} at most`,
    );
  const source = await readFile(choice, 'utf8');
  const problem = await templateProblem(source);
  if (problem === null) return source;
  throw new Error(`${choice} is no chat template: ${problem}`);
}
