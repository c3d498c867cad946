// What chat does besides asking: one table of slash commands, from which /help is made as well.
// A command says what it did, because it changes what the model sees without showing it.
import path from 'node:path';
import { plural } from '../../terminal/units.js';
import { loadConversation, saveConversation } from './conversation-file.js';
import type { Dialogue } from './dialogue.js';
import { figuresLine, statsText } from './figures.js';

type Command = {
  /** As /help shows it after the name. */
  argument?: string;
  describe: string;
  run: (dialogue: Dialogue, argument: string) => Promise<void> | void;
};

const COMMANDS: Record<string, Command> = {
  help: { describe: 'Show this', run: ({ screen }) => screen.say(helpText()) },
  system: {
    argument: '[TEXT|none]',
    describe: 'Show the system prompt, or set it, or take it away',
    run: setSystem,
  },
  reset: { describe: 'Forget the conversation; the system prompt stays', run: reset },
  retry: { describe: 'Answer the last question again', run: retry },
  stats: {
    describe: 'Show the engine, and what the answers cost',
    run: ({ screen, model, answers, logPath }) =>
      screen.say(statsText(model.engine, answers, logPath)),
  },
  save: { argument: 'FILE', describe: 'Save the conversation as JSON', run: save },
  load: { argument: 'FILE', describe: 'Go on with a saved conversation', run: load },
  quit: { describe: 'Leave, as Ctrl-D does', run: ({ stop }) => stop.leave(0) },
};

export const COMMAND_WORDS: readonly string[] = Object.keys(COMMANDS).map((name) => `/${name}`);

/** A question that starts with a slash can be asked with a space before it. */
export async function runCommand(dialogue: Dialogue, message: string): Promise<void> {
  const [, name = '', argument = ''] = /^\/(\S*)\s*(.*)$/su.exec(message) ?? [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command)
    throw new Error(
      `there is no command /${name}; /help shows all, and a space in front makes it a question`,
    );
  const given = argument.trim();
  if (given !== '' && command.argument === undefined)
    throw new Error(`/${name} takes nothing after it, not "${given}"`);
  if (given === '' && command.argument === 'FILE')
    throw new Error(`/${name} takes a file: /${name} FILE`);
  await command.run(dialogue, given);
}

export async function askAndTell(dialogue: Dialogue, question: string): Promise<void> {
  const answer = await dialogue.ask(question);
  if (answer) dialogue.screen.note(figuresLine(answer));
}

function helpText(): string {
  const rows = Object.entries(COMMANDS).map(([name, { argument = '', describe }]) => [
    `/${name} ${argument}`.trimEnd(),
    describe,
  ]);
  const keys = [
    ['"""', 'Begin and end a message of several lines'],
    ['\\', 'At the end of a line: the message goes on'],
    ['Ctrl-C', 'Stop the answer; clear what is typed; twice: leave'],
    ['Ctrl-D', 'Leave'],
  ];
  return [...rows, ...keys].map(([word = '', text]) => `${word.padEnd(21)}${text}`).join('\n');
}

async function setSystem(dialogue: Dialogue, text: string): Promise<void> {
  const { conversation, screen } = dialogue;
  if (text === '') {
    screen.say(conversation.system ?? 'There is no system prompt.');
    return;
  }
  conversation.system = text === 'none' ? null : text;
  await dialogue.changed();
  screen.note(text === 'none' ? 'The system prompt is gone.' : 'The system prompt is set.');
}

async function reset(dialogue: Dialogue): Promise<void> {
  dialogue.conversation.reset();
  await dialogue.changed();
  dialogue.screen.note('The conversation is forgotten.');
}

async function retry(dialogue: Dialogue): Promise<void> {
  const question = dialogue.conversation.takeBack();
  if (question === undefined) throw new Error('there is no question to ask again');
  await askAndTell(dialogue, question);
}

async function save({ conversation, screen }: Dialogue, file: string): Promise<void> {
  await saveConversation(path.resolve(file), conversation);
  screen.note(`${plural(conversation.turnCount, 'turn')} saved to ${file}`);
}

async function load(dialogue: Dialogue, file: string): Promise<void> {
  const { conversation, screen } = dialogue;
  await loadConversation(path.resolve(file), conversation);
  await dialogue.changed();
  screen.note(`${plural(conversation.turnCount, 'turn')} loaded from ${file}`);
}
