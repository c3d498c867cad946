// A checkpoint's tokenizer as the pairs of a GGUF, and the chat template that goes with it.
export { type ChatTemplate, chatTemplate, chatTemplateNames } from './chat-template.js';
export { type TokenizerPairs, tokenizerMetadata } from './tokenizer-metadata.js';
