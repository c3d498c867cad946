// @huggingface/gguf as hearth reads and writes headers with it: in one file instead of 70, most of which say what
// models are for. Almost every command reads a header, and loads it sooner for that.
import type { GGUFValueType as ValueType } from '@huggingface/gguf';

export type { GGUFParseOutput, MetadataValue } from '@huggingface/gguf';
export type GGUFValueType = ValueType;

/** scripts/bundle-huggingface-gguf.mjs makes it. */
const BUNDLE = new URL('./huggingface-gguf-bundle.js', import.meta.url).href;
export const { gguf, GGUFValueType, serializeGgufMetadata } = (await import(
  BUNDLE
)) as typeof import('@huggingface/gguf');
