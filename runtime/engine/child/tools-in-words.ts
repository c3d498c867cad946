// A conversation with tools for a chat template that has no place for them: the system message explains
// the tools, a call stands in the assistant's own words, and a tool's answer comes from the user.
// Without this, the model would see neither what it called nor what came of it.
import { type ToolFormat, toolFormatOf } from '../../grammar/tool-format.js';
import type { ChatInput, ChatMessage } from '../engine.js';

type ToolDefinition = { function?: unknown };

/** The conversation as the template of this source can show all of it. */
export function toolsInWords(conversation: ChatInput, source: string): ChatInput {
  const { messages, tools } = conversation;
  const format = toolFormatOf(source);
  const knowsCalls = /\btool_calls\b/.test(source);
  const spoken = knowsCalls ? messages : callsInWords(messages, format);
  if (!tools?.length || /\btools\b/.test(source)) return { ...conversation, messages: spoken };
  return { ...conversation, messages: guided(spoken, tools, format), tools: undefined };
}

function guided(messages: ChatMessage[], tools: unknown[], format: ToolFormat): ChatMessage[] {
  const [first, ...others] = messages;
  const guide = toolGuide(tools, format);
  if (first?.role !== 'system') return [{ role: 'system', content: guide }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${guide}` }, ...others];
}

function toolGuide(tools: unknown[], format: ToolFormat): string {
  const list = tools.map((tool) => JSON.stringify((tool as ToolDefinition).function)).join('\n');
  const example = `{"name": function name, "${format.argumentsKey}": its arguments}`;
  return `You can call these functions:\n${list}\nTo call one, answer with ${example} alone.`;
}

/** Answers of several tools become one message: many templates let the two sides only alternate. */
function callsInWords(messages: ChatMessage[], format: ToolFormat): ChatMessage[] {
  const names = new Map<string, string>();
  const spoken: ChatMessage[] = [];
  for (const message of messages) {
    for (const { id, name } of message.toolCalls ?? []) names.set(id, name);
    if (message.role !== 'tool') {
      const joins = message.role === 'user' && spoken.at(-1)?.toolCallId !== undefined;
      if (joins) spoken.push(joined(spoken.pop() as ChatMessage, message.content));
      else spoken.push(calling(message, format));
      continue;
    }
    const answer = resultInWords(message, names);
    const before = spoken.at(-1);
    if (before?.toolCallId === undefined)
      spoken.push({ ...message, role: 'user', content: answer });
    else spoken.push(joined(spoken.pop() as ChatMessage, answer));
  }
  return spoken.map(({ toolCallId: _, ...message }) => message);
}

function joined(message: ChatMessage, more: string): ChatMessage {
  return { ...message, content: `${message.content}\n\n${more}` };
}

function calling({ toolCalls, ...message }: ChatMessage, format: ToolFormat): ChatMessage {
  if (!toolCalls) return message;
  const calls = toolCalls.map(({ name, arguments: given }) => {
    return `{"name": ${JSON.stringify(name)}, "${format.argumentsKey}": ${given || '{}'}}`;
  });
  return { ...message, content: [message.content, ...calls].filter(Boolean).join('\n') };
}

function resultInWords({ content, toolCallId }: ChatMessage, names: Map<string, string>): string {
  const name = names.get(toolCallId ?? '');
  return `${name ?? 'The function'} answered: ${content}`;
}
