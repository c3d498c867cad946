// OpenAI's tools: how the model is told of them, and the grammar that makes its calls well-formed.
// A chat template that knows tools gets them; to any other model the system message explains them.
import type { FromSchema } from 'json-schema-to-ts';
import type { ChatMessage, GenerateInput } from '../engine/engine.js';
import { GrammarError } from '../grammar/grammar-rules.js';
import { type ToolFormat, toolGrammar } from '../grammar/tool-grammar.js';
import { MAX_NAME_CHARS, MAX_TOOLS } from './limits.js';
import { badRequest } from './openai-error.js';
import { BOOLEAN, objectOf, TEXT } from './request-fields.js';

export type ToolPlan = {
  tools: FunctionTool[];
  grammar: string;
  format: ToolFormat;
  isInTemplate: boolean;
};

const FUNCTION_NAME = { type: 'string', pattern: '^[a-zA-Z0-9_-]+$', maxLength: 64 } as const;

const FUNCTION_TOOL = objectOf(['type', 'function'], {
  type: { enum: ['function'] },
  function: objectOf(['name'], {
    name: FUNCTION_NAME,
    description: TEXT,
    parameters: { type: ['object', 'null'] },
    strict: { type: ['boolean', 'null'] },
  }),
});

export const TOOL_FIELDS = {
  tools: { type: 'array', maxItems: MAX_TOOLS, items: FUNCTION_TOOL },
  tool_choice: {
    ...objectOf(['type', 'function'], {
      type: { enum: ['function'] },
      function: objectOf(['name'], { name: FUNCTION_NAME }),
    }),
    type: ['string', 'object'],
    maxLength: MAX_NAME_CHARS,
  },
  /** hearth makes one call an answer, which both values allow. */
  parallel_tool_calls: BOOLEAN,
} as const;

const TOOL_SCHEMA = objectOf([], TOOL_FIELDS);
export type ToolFields = FromSchema<typeof TOOL_SCHEMA>;
type FunctionTool = FromSchema<typeof FUNCTION_TOOL>;
type ToolChoice = NonNullable<ToolFields['tool_choice']>;

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

function chosenTools(tools: FunctionTool[], choice: ToolChoice): FunctionTool[] {
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
  tools: FunctionTool[],
  chosen: FunctionTool[],
  format: ToolFormat,
  isOptional: boolean,
): string {
  const definitions = chosen.map((tool) => ({
    name: tool.function.name,
    ...(tool.function.parameters ? { parameters: tool.function.parameters } : {}),
    path: `tools[${tools.indexOf(tool)}].function.parameters`,
  }));
  return orRefuse(() => toolGrammar(definitions, format, { isOptional }), 'tools');
}

/** A schema that no grammar can keep is the caller's mistake. */
export function orRefuse<T>(make: () => T, param: string): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof GrammarError) throw badRequest(error.message, param, 'unsupported_schema');
    throw error;
  }
}

function toolGuide({ tools, format }: ToolPlan): string {
  const list = tools.map((tool) => JSON.stringify(tool.function)).join('\n');
  const example = `{"name": function name, "${format.argumentsKey}": its arguments}`;
  return `You can call these functions:\n${list}\nTo call one, answer with ${example} alone.`;
}
