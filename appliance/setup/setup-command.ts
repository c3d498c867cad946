// hearth setup: on a device of hearth image that nobody has set up, what its page asks, on its screen.
// The device's own start runs it, too, with what was set.

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { hasWifi } from '../../runtime/setup/has-wifi.js';
import { leaveRequest } from '../../runtime/setup/setup-request.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { print } from '../../terminal/print.js';
import { SETTINGS_FOLDER, SETUP_REQUEST } from '../image/initramfs.js';
import { SETUP_FILE, type SettingsInputs } from '../image/settings-files.js';
import { applySetup } from './apply-setup.js';
import { askOwner, type Dialogue } from './ask-owner.js';

const setupOptions = {
  // As usr/lib/hearth/setup has them.
  apply: { ...valueFlag('Folder for the files of what was set', text('apply')), hidden: true },
  kept: { ...valueFlag('Where that is kept', text('kept')), hidden: true },
} as const;

type SetupArguments = InferredOptionTypes<typeof setupOptions>;

export const setupCommand: CommandModule<object, SetupArguments> = {
  command: 'setup',
  describe: 'On a device of hearth image: set its name, key, Wi-Fi and time zone, once',
  builder: (yargs: Argv) =>
    yargs.options(setupOptions).example('$0 setup', 'What the page at its address asks, too'),
  handler: async ({ apply, kept }) => {
    if (apply !== undefined && kept !== undefined) await applyKept(apply, kept);
    else await setUp();
  },
};

async function applyKept(folder: string, kept: string): Promise<void> {
  if (!(await applySetup({ folder, kept }))) process.exitCode = 1;
}

async function setUp(): Promise<void> {
  const { settings } = await unsetDevice();
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const { hostname, timezone } = settings;
    const owner = await askOwner(dialogueOf(lines), { hostname, timezone, hasWifi: hasWifi() });
    if (owner === null) throw new Error('nothing was set: the questions were not answered');
    if (!(await leaveRequest(SETUP_REQUEST, owner)))
      throw new Error('somebody else has set up this device meanwhile');
  } finally {
    lines.close();
  }
  print('The device is set up; it serves again in a minute or two.');
}

/** What the image was made with. */
async function unsetDevice(): Promise<SettingsInputs> {
  const made = await readFile(`${SETTINGS_FOLDER}/${SETUP_FILE}`, 'utf8').catch(() => null);
  if (made !== null) return JSON.parse(made) as SettingsInputs;
  throw new Error(
    'there is nothing to set up here; hearth setup is for devices of hearth image, before their owner has set them up',
  );
}

/** Lines may come from a pipe, all at once. */
function dialogueOf(lines: ReturnType<typeof createInterface>): Dialogue {
  const answers = lines[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      lines.setPrompt(question);
      lines.prompt();
      const { done, value } = await answers.next();
      return done ? null : value;
    },
    say: (text) => process.stdout.write(`${text}\n`),
  };
}
