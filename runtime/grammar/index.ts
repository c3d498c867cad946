export { checkGbnf } from './gbnf-check.js';
export { GrammarError } from './grammar-rules.js';
export { jsonSchemaGrammar } from './json-schema-grammar.js';
export { type ToolDefinition, type ToolFormat, toolGrammar } from './tool-grammar.js';
