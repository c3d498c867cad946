// One of hearth's own templates, rendered in this process: a prompt less to wait for, and 10 MiB that a
// small board keeps. Each goes through the messages once, so it needs no budget, and ends by itself.
// A template that differs from them by one character is a stranger's.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Template } from '@huggingface/jinja';
import { BUILT_IN_TEMPLATES } from './built-in-templates.js';
import { TemplateError } from './template-error.js';

export function isBuiltIn(source: string): boolean {
  return Object.values<string>(BUILT_IN_TEMPLATES).includes(source);
}

export class BuiltInTemplate {
  readonly #template: Template;

  constructor(source: string) {
    this.#template = new Template(source);
  }

  /** Throws {@link TemplateError} for variables that it cannot render, or the signal's reason. */
  async render(
    variables: Record<string, unknown>,
    { signal }: { signal?: AbortSignal | undefined },
  ): Promise<string> {
    // A long conversation is rendered several times; what else there is to do comes between.
    await nextTurn();
    signal?.throwIfAborted();
    try {
      return this.#template.render(variables);
    } catch (cause) {
      throw new TemplateError('refused', (cause as Error).message);
    }
  }

  close(): void {}
}
