// Images whose every sector differs, so that nothing that lands elsewhere looks right.
// The same size gives the same bytes.
import { createCipheriv } from 'node:crypto';

export function patternImage(sizeBytes: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(sizeBytes));
}
