// A conversation in a JSON file: `{"messages": [{"role": ..., "content": ...}, ...]}`.
// The messages are as the OpenAI API has them, so that other programs read and write them too.
import { open } from 'node:fs/promises';
import { parseJson } from '../../terminal/parse-json.js';
import { replacePrivateFile } from '../engine/private-file.js';
import type { Transcript } from './transcript.js';

/** No conversation that fits a context is nearly as large. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

export async function saveConversation(
  filePath: string,
  conversation: Transcript,
  extra: object = {},
): Promise<void> {
  const text = JSON.stringify({ ...extra, messages: conversation.messages }, null, 1);
  await replacePrivateFile(filePath, (file) => file.writeFile(`${text}\n`));
}

/** Replaces the conversation and returns the file's JSON object. Throws with the file's name. */
export async function loadConversation(
  filePath: string,
  conversation: Transcript,
): Promise<Record<string, unknown>> {
  const text = await readSmallFile(filePath);
  try {
    const file = parseJson(text);
    const { messages } = Object(file) as { messages?: unknown };
    if (!Array.isArray(messages)) throw new Error('it has no "messages"');
    conversation.load(messages);
    return file as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${filePath} is not a conversation: ${(cause as Error).message}`, { cause });
  }
}

async function readSmallFile(filePath: string): Promise<string> {
  try {
    const handle = await open(filePath, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAX_FILE_BYTES)
        throw new Error(`it has ${size} bytes; at most ${MAX_FILE_BYTES} are read`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new Error(`${filePath} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
