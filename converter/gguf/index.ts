// Writing GGUF files: their pairs, their layout, and the file that appears whole or not at all.
// Pairs and layout are devices/', which lays out headers, too, to have llama.cpp plan their memory.
export { type GgufLayout, type HeaderTensor, layOutGguf } from '../../devices/gguf-header.js';
export {
  float32Entry,
  type GgufEntry,
  type GgufMetadata,
  stringEntry,
  uint32Entry,
} from '../../devices/gguf-metadata.js';
export {
  asOutputError,
  OutputError,
  type OutputFile,
  openOutput,
} from '../../devices/output-file.js';
