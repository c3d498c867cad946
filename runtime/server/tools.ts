// OpenAI's tools: how the model is told of them, and the grammar that makes its calls well-formed.
// How the model is told of them, with a place for tools in its chat template or without, is the engine's.
import type { FromSchema } from 'json-schema-to-ts';
import { GrammarError } from '../grammar/grammar-rules.js';
import { type ToolFormat, toolFormatOf } from '../grammar/tool-format.js';
import { toolGrammar } from '../grammar/tool-grammar.js';
import { MAX_NAME_CHARS, MAX_TOOLS } from './limits.js';
import { badRequest } from './openai-error.js';
import { BOOLEAN, objectOf, TEXT } from './request-fields.js';

export type ToolPlan = {
  /** Those that the model is told of. */
  tools: FunctionTool[];
  grammar: string;
  format: ToolFormat;
};

const FUNCTION_NAME = { type: 'string', pattern: '^[a-zA-Z0-9_-]+$', maxLength: 64 } as const;

export const FUNCTION_FIELDS = {
  name: FUNCTION_NAME,
  description: TEXT,
  parameters: { type: ['object', 'null'] },
  strict: { type: ['boolean', 'null'] },
} as const;

const FUNCTION_TOOL = objectOf(['type', 'function'], {
  type: { enum: ['function'] },
  function: objectOf(['name'], FUNCTION_FIELDS),
});

const NAMED_FUNCTION = objectOf(['name'], { name: FUNCTION_NAME });

export const TOOL_FIELDS = {
  tools: { type: 'array', maxItems: MAX_TOOLS, items: FUNCTION_TOOL },
  tool_choice: {
    ...objectOf(['type'], {
      type: { enum: ['function', 'allowed_tools'] },
      function: NAMED_FUNCTION,
      allowed_tools: objectOf(['mode', 'tools'], {
        mode: { enum: ['auto', 'required'] },
        tools: {
          type: 'array',
          minItems: 1,
          maxItems: MAX_TOOLS,
          items: objectOf(['type', 'function'], {
            type: { enum: ['function'] },
            function: NAMED_FUNCTION,
          }),
        },
      }),
    }),
    type: ['string', 'object'],
    maxLength: MAX_NAME_CHARS,
  },
  /** Default: where the model's format has tags around each call. */
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
  const format = toolFormatOf(chatTemplate);
  const isParallel = fields.parallel_tool_calls ?? format.open !== '';
  const kind = { isOptional: modeOf(choice) === 'auto', isParallel };
  const grammar = makeGrammar(tools, chosen, format, kind);
  // Those that are merely not allowed now stay in the prompt, and in its cache.
  const isAllowed = typeof choice === 'object' && choice.type === 'allowed_tools';
  return { tools: isAllowed ? tools : chosen, grammar, format };
}

function modeOf(choice: ToolChoice): string {
  if (typeof choice === 'string') return choice;
  return choice.allowed_tools?.mode ?? 'required';
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
  const names = namesIn(choice);
  const unknown = names.find((name) => !tools.some((tool) => tool.function.name === name));
  if (names.length === 0) throw badRequest('tool_choice allows none of the tools', 'tool_choice');
  if (unknown === undefined) return tools.filter((tool) => names.includes(tool.function.name));
  throw badRequest(`tool_choice names "${unknown}", which tools do not have`, 'tool_choice');
}

function namesIn({ type, function: called, allowed_tools: allowed }: Exclude<ToolChoice, string>) {
  if (type === 'function' && called) return [called.name];
  if (type === 'allowed_tools' && allowed) return allowed.tools.map((tool) => tool.function.name);
  throw badRequest(`tool_choice has the type "${type}", but no "${type}"`, 'tool_choice');
}

function makeGrammar(
  tools: FunctionTool[],
  chosen: FunctionTool[],
  format: ToolFormat,
  kind: { isOptional: boolean; isParallel: boolean },
): string {
  const definitions = chosen.map((tool) => ({
    name: tool.function.name,
    ...(tool.function.parameters ? { parameters: tool.function.parameters } : {}),
    path: `tools[${tools.indexOf(tool)}].function.parameters`,
  }));
  return orRefuse(() => toolGrammar(definitions, format, kind), 'tools');
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
