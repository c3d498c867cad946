// Writing GGUF files: their pairs, their layout, and the file that appears whole or not at all.
export { type GgufLayout, type HeaderTensor, layOutGguf } from './header.js';
export {
  float32Entry,
  type GgufEntry,
  type GgufMetadata,
  stringEntry,
  uint32Entry,
} from './metadata.js';
export { OutputError, type OutputFile, openOutput } from './output-file.js';
