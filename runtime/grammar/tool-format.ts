// How a model's chat template taught it to write a call; read from the template's own text.
// The grammar holds answers to it, and calls in a conversation are written in it where the template
// has no place for them.

export type ToolFormat = {
  /** Llama 3 says `parameters`, most others `arguments`. */
  argumentsKey: 'arguments' | 'parameters';
  /** Text around the call, such as `<tool_call>`; both are empty where the template has none. */
  open: string;
  close: string;
  /** Whether the model may think before it answers. */
  thinks: boolean;
};

/** Llama 3's template says `parameters`; Hermes' wraps calls in a pair of tags. */
export function toolFormatOf(chatTemplate: string): ToolFormat {
  const hasTags = chatTemplate.includes('<tool_call>');
  return {
    argumentsKey: !hasTags && chatTemplate.includes('"parameters"') ? 'parameters' : 'arguments',
    open: hasTags ? '<tool_call>' : '',
    close: hasTags ? '</tool_call>' : '',
    thinks: chatTemplate.includes('<think>'),
  };
}
