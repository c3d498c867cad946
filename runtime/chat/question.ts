// A question that another program asks: all of stdin.
// Bounded, because whoever writes to it may never stop.
// Whether the question fits the context is for the engine to say.
import { addAbortSignal, type Readable } from 'node:stream';

const MAX_QUESTION_BYTES = 16 * 1024 * 1024;

/** Throws where nothing comes, or more than any context takes. */
export async function readQuestion(input: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of addAbortSignal(signal, input)) {
    chunks.push(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_QUESTION_BYTES)
      throw new Error(`stdin holds more than the ${MAX_QUESTION_BYTES} bytes that are read`);
  }
  const question = Buffer.concat(chunks).toString('utf8').trimEnd();
  if (question !== '') return question;
  throw new Error('stdin is empty; pipe a question in, or ask with --once "question"');
}
