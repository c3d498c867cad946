// OpenAI's tools: how the model is told of them, and the grammar that makes its calls well-formed.
// A chat template that knows tools gets them; to any other model the system message explains them.
import type { ChatMessage, GenerateInput } from '../engine/engine.js';
import { GrammarError } from '../grammar/grammar-rules.js';
import { type ToolFormat, toolGrammar } from '../grammar/tool-grammar.js';
import { MAX_NAME_CHARS, MAX_TEXT_CHARS, MAX_TOOLS } from './limits.js';
import { badRequest } from './openai-error.js';

type Tool = {
  type: 'function';
  function: { name: string; description?: string; parameters?: unknown };
};
type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } };

export type ToolFields = {
  tools?: Tool[];
  tool_choice?: ToolChoice;
  /** hearth makes one call an answer, which both values allow. */
  parallel_tool_calls?: boolean;
};

export type ToolPlan = {
  tools: Tool[];
  grammar: string;
  format: ToolFormat;
  /** The template takes the tools itself. */
  isInTemplate: boolean;
};

const NAME = { type: 'string', pattern: '^[a-zA-Z0-9_-]+$', maxLength: 64 };

export const TOOL_FIELDS = {
  tools: {
    type: 'array',
    maxItems: MAX_TOOLS,
    items: {
      type: 'object',
      required: ['type', 'function'],
      additionalProperties: false,
      properties: {
        type: { enum: ['function'] },
        function: {
          type: 'object',
          required: ['name'],
          additionalProperties: false,
          properties: {
            name: NAME,
            description: { type: 'string', maxLength: MAX_TEXT_CHARS },
            parameters: { type: ['object', 'null'] },
            strict: { type: ['boolean', 'null'] },
          },
        },
      },
    },
  },
  tool_choice: {
    type: ['string', 'object'],
    maxLength: MAX_NAME_CHARS,
    required: ['type', 'function'],
    additionalProperties: false,
    properties: {
      type: { enum: ['function'] },
      function: {
        type: 'object',
        required: ['name'],
        additionalProperties: false,
        properties: { name: NAME },
      },
    },
  },
  parallel_tool_calls: { type: 'boolean' },
};

/** Null where no call can come: no tools, or `tool_choice` `none`. Throws ApiError. */
export function planTools(fields: ToolFields, chatTemplate: string): ToolPlan | null {
  const { tools = [], tool_choice: choice = 'auto' } = fields;
  if (typeof choice === 'string' && !['none', 'auto', 'required'].includes(choice))
    throw badRequest(`tool_choice must be none, auto, required or a function`, 'tool_choice');
  if (tools.length === 0) return refuseChoice(fields);
  if (choice === 'none') return null;
  const chosen = chosenTools(tools, choice);
  const format = formatOf(chatTemplate);
  const grammar = makeGrammar(tools, chosen, format, choice === 'auto');
  return { tools: chosen, grammar, format, isInTemplate: /\btools\b/.test(chatTemplate) };
}

/** The messages, with the tools where this model reads of them. */
export function withTools(messages: ChatMessage[], plan: ToolPlan): GenerateInput {
  if (plan.isInTemplate) return { kind: 'chat', messages, tools: plan.tools };
  const [first, ...others] = messages;
  const guide = toolGuide(plan);
  if (first?.role !== 'system')
    return { kind: 'chat', messages: [{ role: 'system', content: guide }, ...messages] };
  const system = { ...first, content: `${first.content}\n\n${guide}` };
  return { kind: 'chat', messages: [system, ...others] };
}

function refuseChoice({ tool_choice: choice = 'auto', tools }: ToolFields): null {
  if (choice === 'auto' || choice === 'none') return null;
  throw badRequest(
    `tool_choice needs tools, of which there are ${tools ? 'none' : 'not any'}`,
    'tools',
  );
}

function chosenTools(tools: Tool[], choice: ToolChoice): Tool[] {
  if (typeof choice === 'string') return tools;
  const { name } = choice.function;
  const chosen = tools.filter((tool) => tool.function.name === name);
  if (chosen.length > 0) return chosen;
  throw badRequest(`tool_choice names "${name}", which tools do not have`, 'tool_choice');
}

/** Llama 3's template says `parameters`; Hermes' wraps calls in a pair of tags. */
function formatOf(chatTemplate: string): ToolFormat {
  const hasTags = chatTemplate.includes('<tool_call>');
  return {
    argumentsKey: !hasTags && chatTemplate.includes('"parameters"') ? 'parameters' : 'arguments',
    open: hasTags ? '<tool_call>' : '',
    close: hasTags ? '</tool_call>' : '',
  };
}

function makeGrammar(
  tools: Tool[],
  chosen: Tool[],
  format: ToolFormat,
  isOptional: boolean,
): string {
  const definitions = chosen.map((tool) => ({
    name: tool.function.name,
    ...(tool.function.parameters ? { parameters: tool.function.parameters } : {}),
    path: `tools[${tools.indexOf(tool)}].function.parameters`,
  }));
  try {
    return toolGrammar(definitions, format, { isOptional });
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    throw badRequest(error.message, 'tools', 'unsupported_schema');
  }
}

function toolGuide({ tools, format }: ToolPlan): string {
  const list = tools.map((tool) => JSON.stringify(tool.function)).join('\n');
  const example = `{"name": function name, "${format.argumentsKey}": its arguments}`;
  return `You can call these functions:\n${list}\nTo call one, answer with ${example} alone.`;
}
