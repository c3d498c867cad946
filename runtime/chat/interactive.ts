// Chat with a person: reads a message, runs a command or asks, until they leave.
// An answer that fails costs only itself; an engine that gave up ends chat.

import { plural } from '../../terminal/units.js';
import { askAndTell, COMMAND_WORDS, runCommand } from './commands.js';
import type { Dialogue } from './dialogue.js';
import { modelLine } from './figures.js';
import { defaultHistoryPath, History } from './history.js';
import { MessageReader } from './message-reader.js';
import { failureText } from './screen.js';

export async function converse(dialogue: Dialogue): Promise<void> {
  const { screen, stop } = dialogue;
  greet(dialogue);
  const history = new History(defaultHistoryPath(), (message) => screen.note(message));
  await history.read();
  const reader = new MessageReader({ screen, history, stop, words: COMMAND_WORDS });
  try {
    while (!stop.leaving.aborted) {
      const message = await reader.read();
      if (message === null) break;
      await take(dialogue, message);
    }
  } finally {
    reader.close();
    await history.close();
  }
}

function greet({ screen, model, conversation }: Dialogue): void {
  if (model.engine.info) screen.note(modelLine(model.engine.info));
  const { turnCount } = conversation;
  const soFar = turnCount > 0 ? `${plural(turnCount, 'turn')} so far · ` : '';
  screen.note(`${soFar}/help shows the commands, Ctrl-D leaves`);
}

async function take(dialogue: Dialogue, message: string): Promise<void> {
  if (message.trim() === '') return;
  try {
    if (message.startsWith('/')) await runCommand(dialogue, message);
    else await askAndTell(dialogue, message);
  } catch (error) {
    if (dialogue.model.engine.state.kind === 'failed') throw error;
    dialogue.screen.error(failureText(error));
  }
}
