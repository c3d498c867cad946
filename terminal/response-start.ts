// The body of a reply that a stranger sends: as much as anyone needs, however long it would go on.

/** Nothing of a body that is longer, or that broke off. */
export async function readStart(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      // Leaving the loop gives the connection up.
      if (length > maxBytes) return new Uint8Array();
    }
  } catch {
    return new Uint8Array();
  }
  return Buffer.concat(chunks);
}
