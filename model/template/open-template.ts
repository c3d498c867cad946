// What others may use of chat templates: render them, or ask what is wrong with one.
// hearth's own are rendered where they are used; a stranger's is a program, and gets a process of its own.
import { BoundedTemplate } from './bounded-template.js';
import { BuiltInTemplate, isBuiltIn } from './built-in-template.js';
import type { TemplateProcess } from './template-process.js';

export type ChatTemplateRenderer = Pick<BoundedTemplate, 'render' | 'close'>;

/** `process` was started ahead for a stranger's. */
export function openTemplate(source: string, process?: TemplateProcess): ChatTemplateRenderer {
  return isBuiltIn(source) ? new BuiltInTemplate(source) : new BoundedTemplate(source, process);
}
