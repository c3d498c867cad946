// A chat template that a user names: one of hearth's own, or a file with Jinja.
// It is only parsed here, by a process of its own, as it may keep its parser busy for hours; a mistake
// shows before anything is converted or loaded.
import { stat } from 'node:fs/promises';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { readWholeFile } from '../checkpoint/source-file.js';
import { templateProblem } from './bounded-template.js';
import { BUILT_IN_TEMPLATES } from './built-in-templates.js';

/** The longest published one has 30 kB. */
export const MAX_TEMPLATE_BYTES = 256 << 10;

export type NamedTemplate = { template: string; source: 'named' | 'file' };

/** Throws {@link CheckpointError} for a file that is no template, or the signal's reason. */
export async function readNamedTemplate(
  choice: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<NamedTemplate> {
  const named = Object.entries(BUILT_IN_TEMPLATES).find(([name]) => name === choice);
  if (named) return { template: named[1], source: 'named' };
  const stats = await stat(choice).catch(() => null);
  if (!stats?.isFile())
    throw new CheckpointError(
      choice,
      `is no chat template; expected ${Object.keys(BUILT_IN_TEMPLATES).join(', ')} or a file with a Jinja template`,
    );
  const template = (await readWholeFile(choice, MAX_TEMPLATE_BYTES)).toString('utf8');
  const problem = await templateProblem(template, { signal });
  if (problem !== null)
    throw new CheckpointError(choice, `is not a Jinja template: ${problem}; correct it`);
  return { template, source: 'file' };
}
