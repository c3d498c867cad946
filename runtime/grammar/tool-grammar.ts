// The grammar of an answer that calls a function: {"name": ..., "arguments": {...}}.
// With `optional` the model may answer in words instead; what starts with a brace is then a call.
import { GrammarRules, literal } from './grammar-rules.js';
import { SchemaCompiler } from './json-schema-grammar.js';

export type ToolDefinition = {
  name: string;
  /** JSON schema of the arguments; any object where left out. */
  parameters?: unknown;
};

/** How the model's chat template taught it to write a call. */
export type ToolFormat = {
  /** Llama 3 says `parameters`, most others `arguments`. */
  argumentsKey: 'arguments' | 'parameters';
  /** Text around the call, such as `<tool_call>`; both are empty where the template has none. */
  open: string;
  close: string;
};

/** Throws GrammarError naming the tool's schema as `tools[i].function.parameters`. */
export function toolGrammar(
  tools: (ToolDefinition & { path: string })[],
  format: ToolFormat,
  { isOptional }: { isOptional: boolean },
): string {
  const rules = new GrammarRules();
  const ws = rules.json('ws');
  const calls = tools.map((tool) => callRule(rules, tool, format.argumentsKey));
  const call = rules.add(calls.join(' | '));
  const bare = `${ws} ${call}`;
  const { open, close } = format;
  const wrapped = open ? ` | ${ws} ${literal(open)} ${ws} ${call} ${ws} ${literal(close)}` : '';
  const words = isOptional ? ` | ${wordsRule(rules, open)}` : '';
  return rules.toGbnf(`${bare}${wrapped}${words}`);
}

function callRule(
  rules: GrammarRules,
  { name, parameters = {}, path }: ToolDefinition & { path: string },
  key: string,
): string {
  const ws = rules.json('ws');
  const schema = { ...(parameters as Record<string, unknown>), type: 'object' };
  const value = new SchemaCompiler(rules, schema, path).compile();
  const head = `"{" ${ws} ${literal('"name"')} ${ws} ":" ${ws} ${literal(JSON.stringify(name))}`;
  return rules.add(
    `${head} ${ws} "," ${ws} ${literal(`"${key}"`)} ${ws} ":" ${ws} ${value} ${ws} "}"`,
  );
}

/** Any text that cannot be taken for the start of a call; also none. */
function wordsRule(rules: GrammarRules, open: string): string {
  const starts = `{${open.slice(0, 1)}`;
  return rules.add(`([ \\n]* [^${starts} \\n] .*)?`);
}
