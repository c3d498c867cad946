// Chooses the chat template of a GGUF: the one asked for, the tokenizer's own, or a default.
// The template is only parsed here, so that a mistake shows before anything is converted; by a process
// of its own, as it is a stranger's and may keep its parser busy for hours. The runtime renders.
import { isJsonObject } from '../../model/checkpoint/bounded-json.js';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import type { StoredTokenizer } from '../../model/checkpoint/stored-tokenizer.js';
import { templateProblem } from '../../model/template/bounded-template.js';
import { BUILT_IN_TEMPLATES } from '../../model/template/built-in-templates.js';
import { MAX_TEMPLATE_BYTES, readNamedTemplate } from '../../model/template/named-template.js';

export const chatTemplateNames = Object.keys(BUILT_IN_TEMPLATES);

export type ChatTemplate = {
  /** Jinja, for `tokenizer.chat_template`. */
  template: string | null;
  source: 'tokenizer' | 'named' | 'file' | 'default';
  /** What a user should know, one sentence each. */
  warnings: string[];
};

/**
 * `choice` is one of {@link chatTemplateNames} or the path of a Jinja file; without it, the
 * tokenizer's own template is taken, or a default. `filePath` names the checkpoint in errors.
 * Throws {@link CheckpointError} for a file that is no template, or the signal's reason.
 */
export async function chatTemplate(
  tokenizer: StoredTokenizer,
  {
    choice,
    filePath,
    signal,
  }: { choice?: string | undefined; filePath: string; signal?: AbortSignal | undefined },
): Promise<ChatTemplate> {
  if (choice !== undefined)
    return { ...(await readNamedTemplate(choice, { signal })), warnings: [] };
  const own = ownTemplate(tokenizer.config['chat_template']);
  if (own === null) return defaultTemplate(tokenizer);
  if (Buffer.byteLength(own) > MAX_TEMPLATE_BYTES)
    throw new CheckpointError(filePath, `its chat template is over ${MAX_TEMPLATE_BYTES} bytes`);
  const problem = await templateProblem(own, { signal });
  const warnings = problem
    ? [`the tokenizer's chat template cannot be parsed (${problem}); pass --chat-template`]
    : [];
  return { template: own, source: 'tokenizer', warnings };
}

/** The one named default where a tokenizer has several. */
function ownTemplate(stored: unknown): string | null {
  const named: unknown[] = Array.isArray(stored) ? stored : [{ name: 'default', template: stored }];
  const template = named.filter(isJsonObject).find(({ name }) => name === 'default')?.['template'];
  return typeof template === 'string' && template !== '' ? template : null;
}

function defaultTemplate(tokenizer: StoredTokenizer): ChatTemplate {
  const name = defaultName(tokenizer);
  if (name !== null)
    return {
      template: BUILT_IN_TEMPLATES[name],
      source: 'default',
      warnings: [
        `the tokenizer has no chat template; ${name} is taken, pass --chat-template if the model was trained on another`,
      ],
    };
  const warning =
    'the tokenizer has no chat template and none is known for it; pass --chat-template to chat';
  return { template: null, source: 'default', warnings: [warning] };
}

function defaultName(tokenizer: StoredTokenizer): 'llama-2' | 'llama-3' | null {
  if (tokenizer.kind === 'sentencepiece') return 'llama-2';
  if (tokenizer.kind === 'gguf') {
    if (tokenizer.model === 'llama') return 'llama-2';
    return tokenizer.tokens.includes('<|start_header_id|>') ? 'llama-3' : null;
  }
  const { model, added_tokens: added } = tokenizer.json;
  if (isJsonObject(model) && model['byte_fallback'] === true) return 'llama-2';
  const hasHeaders =
    Array.isArray(added) &&
    added.some((token) => isJsonObject(token) && token['content'] === '<|start_header_id|>');
  return hasHeaders ? 'llama-3' : null;
}
