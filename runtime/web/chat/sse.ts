// Server-sent events of a response: the data of each, as the bytes arrive.
// EventSource cannot send a POST, so the few rules that matter here are read by hand.
// Only `data` fields are read; event names and ids are not used by this API.

/** The data of each event, lines joined by newlines. Cancels the response when left early. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield* dataOf(block);
      if (done) break;
    }
    yield* dataOf(rest);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Nothing for a comment, such as a heartbeat. */
function* dataOf(block: string): Generator<string> {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}
