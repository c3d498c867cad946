// The grammar of an answer that calls a function: {"name": ..., "arguments": {...}}.
// With `optional` the model may answer in words instead; what starts with a brace is then a call.
import { GrammarError, GrammarRules, literal } from './grammar-rules.js';
import { SchemaCompiler } from './json-schema-grammar.js';
import type { ToolFormat } from './tool-format.js';

export type ToolDefinition = {
  name: string;
  /** JSON schema of the arguments; any object where left out. */
  parameters?: unknown;
};

/** Throws GrammarError naming the tool's schema as `tools[i].function.parameters`. */
export function toolGrammar(
  tools: (ToolDefinition & { path: string })[],
  format: ToolFormat,
  { isOptional, isParallel = false }: { isOptional: boolean; isParallel?: boolean },
): string {
  const rules = new GrammarRules();
  const ws = rules.json('ws');
  const calls = tools.map((tool) => callRule(rules, tool, format.argumentsKey));
  const call = rules.add(calls.join(' | '));
  const { open, close } = format;
  const one = open ? rules.add(`${literal(open)} [ \\n]? ${call} [ \\n]? ${literal(close)}`) : call;
  const several = (rule: string) => (isParallel ? `${rule} ([;\\n]? ${ws} ${rule})*` : rule);
  const bare = `${ws} ${several(call)}`;
  const wrapped = open ? ` | [ \\n]? ${several(one)}` : '';
  const words = isOptional ? ` | ${wordsRule(rules, open)}` : '';
  const answer = `${bare}${wrapped}${words}`;
  // Who demands a call has it at once: a model could think until its tokens are used up.
  return rules.toGbnf(format.thinks && isOptional ? `${thoughtRule(rules)}? (${answer})` : answer);
}

/** What the model thinks first; a prompt may have opened the thought already. */
function thoughtRule(rules: GrammarRules): string {
  const inside = rules.add('([^<] | "<" [^/])*');
  return rules.add(`[ \\n]* "<think>" ${inside} "</think>" [ \\n]*`);
}

function callRule(
  rules: GrammarRules,
  { name, parameters = {}, path }: ToolDefinition & { path: string },
  key: string,
): string {
  const ws = rules.json('ws');
  const given = parameters as Record<string, unknown>;
  if ([given.type ?? 'object'].flat().some((type) => typeof type !== 'string'))
    throw new GrammarError(`${path}.type must be "object"`);
  const schema = { ...given, type: 'object' };
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
