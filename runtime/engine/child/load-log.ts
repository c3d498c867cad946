// What llama.cpp said while it loaded: sizes by its own accounting, and what it decided itself.
// The binding tells sums alone, so the split of a context into KV and compute is read here.
// Reads nothing after the load.

/** Lines since the context in use was made; earlier ones belong to trial runs. */
function contextLines(lines: readonly string[]): readonly string[] {
  const start = lines.findLastIndex((line) => line.includes('constructing llama_context'));
  return lines.slice(Math.max(0, start));
}

/** Bytes of keys and values, of recurrent states too. */
export function kvBytesOf(lines: readonly string[]): number {
  const pattern = /^(?:llama_kv_cache|llama_memory_recurrent): size =\s*([\d.]+) MiB/;
  const sizes = contextLines(lines).map((line) => Number(pattern.exec(line)?.[1] ?? 0));
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) * 2 ** 20);
}

/** What became of `auto`, or of what a quantised KV cache makes llama.cpp turn on; `asked` where nothing was said. */
export function flashAttentionOf(lines: readonly string[], asked: boolean): boolean {
  const said = contextLines(lines).find((line) => line.includes('Flash Attention'));
  if (said === undefined)
    return asked || contextLines(lines).some((line) => /flash_attn\s+= enabled/.test(line));
  return /enabled/.test(said) && !/disabled|not supported/.test(said);
}
