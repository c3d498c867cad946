// Why a chat template gave no text. The message goes on from "the chat template": its users say
// whose it is, and what to do about it.
export type TemplateErrorCode =
  /** It is no Jinja. */
  | 'unreadable'
  /** It raised an error for these variables. */
  | 'refused'
  /** It took more time, memory or characters than a template may. */
  | 'over-budget';

export class TemplateError extends Error {
  readonly code: TemplateErrorCode;

  constructor(code: TemplateErrorCode, message: string) {
    super(message);
    this.name = 'TemplateError';
    this.code = code;
  }
}
