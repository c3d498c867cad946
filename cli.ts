#!/usr/bin/env node
// The hearth command: gathers one yargs CommandModule a file from the folders they belong to.
// Errors become one line on stderr here, so that commands and libraries only throw.
import type { CommandModule } from 'yargs';
import { keepHeapSmall } from './runtime/engine/small-heap.js';
import { printable } from './terminal/foreign-text.js';
import { hearthVersion } from './terminal/version.js';

/** In the order of --help. Loaded where named, so that a server holds no code of the converter. */
const COMMANDS = {
  convert: async () => (await import('./converter/convert-command.js')).convertCommand,
  inspect: async () => (await import('./converter/inspect-command.js')).inspectCommand,
  calibrate: async () => (await import('./pruner/calibrate-command.js')).calibrateCommand,
  prune: async () => (await import('./pruner/prune-command.js')).pruneCommand,
  chat: async () => {
    keepHeapSmall();
    return (await import('./runtime/chat/chat-command.js')).chatCommand;
  },
  serve: async () => {
    keepHeapSmall();
    return (await import('./runtime/server/serve-command.js')).serveCommand;
  },
  log: async () => (await import('./runtime/log/log-command.js')).logCommand,
  fit: async () => (await import('./devices/fit/fit-command.js')).fitCommand,
  plan: async () => (await import('./devices/plan/plan-command.js')).planCommand,
  image: async () => (await import('./appliance/image/image-command.js')).imageCommand,
  keys: async () => (await import('./appliance/update/keys-command.js')).keysCommand,
  'update-bundle': async () =>
    (await import('./appliance/update/update-bundle-command.js')).updateBundleCommand,
  update: async () => (await import('./appliance/update/update-command.js')).updateCommand,
  setup: async () => (await import('./appliance/setup/setup-command.js')).setupCommand,
  devices: async () => (await import('./devices/devices-command.js')).devicesCommand,
  pack: async () => (await import('./appliance/pack/pack-command.js')).packCommand,
  verify: async () => (await import('./appliance/verify/verify-command.js')).verifyCommand,
  flash: async () => (await import('./appliance/flash/flash-command.js')).flashCommand,
  measure: async () => (await import('./bench/measure/measure-command.js')).measureCommand,
  compare: async () => (await import('./bench/compare/compare-command.js')).compareCommand,
  results: async () => (await import('./bench/results/results-command.js')).resultsCommand,
};

/** One a command; each command's own --help has more. */
const EXAMPLES: [command: string, description: string][] = [
  ['$0 convert prune_log/llama-20 -o chat.gguf', 'Q4_K_M, the default'],
  ['$0 inspect chat.gguf', 'Widths, types, size, tokenizer, provenance'],
  ['$0 calibrate dense.gguf -o dense.imatrix.gguf', 'How a model uses its weights, for quantising'],
  ['$0 prune Llama-2-7b-chat-hf --ratio 0.2 -o chat.gguf', 'Smaller, repaired and quantised'],
  ['$0 chat chat.gguf', 'In the terminal; --once "question" for only the answer'],
  ['$0 serve chat.gguf', 'OpenAI API, chat page and dashboard on http://127.0.0.1:8080'],
  ['$0 log --summary --by model --since 7d', 'Percentiles of the last week'],
  ['$0 fit chat.gguf', 'On which cards and boards it runs, and how fast'],
  ['$0 plan llama-2-13b --device rtx-3060-8gb', 'The least pruning that fits, and how to make it'],
  ['$0 image chat.gguf --target x64-uefi -o disk.img', 'A disk that boots into chat'],
  ['$0 keys keys', 'Keys to sign updates with'],
  [
    '$0 update-bundle chat.gguf --target x64-uefi --cert keys/update.cert.pem --key keys/update.key.pem',
    'A signed update for devices with such a disk',
  ],
  ['$0 update', 'On a device with such a disk: what its maker released'],
  ['$0 setup', 'On a device with such a disk: its name, key, Wi-Fi and time zone, once'],
  ['$0 devices', 'What this machine is, and the cards and boards that hearth knows'],
  ['$0 pack chat.gguf --target linux-arm64', 'One file that a board installs without network'],
  ['$0 verify hearth-linux-arm64.tar.zst', 'Whether such a file is whole, and by whom'],
  ['$0 flash disk.img.zst /dev/sdb', 'Write an image to a card, and read it back'],
  ['$0 measure chat.gguf', 'Speed and memory of a model on this machine'],
  [
    '$0 compare dense.gguf p20.gguf p35.gguf --report out.html',
    'Pruned models beside the unpruned one',
  ],
  ['$0 results table', 'What was measured, by class of device'],
  ['$0 completion >> ~/.bashrc', 'Complete commands and options with Tab'],
];

// A reader such as head that has seen enough is not a failure; a command that has to end in order
// listens for it itself.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    if (process.stdout.listenerCount('error') === 1) process.exit();
    return;
  }
  // The terminal is gone; the signal that tells so ends in order what can be ended.
  if (error.code === 'EIO') return;
  throw error;
});

// What is said beside a result has nobody to hear it any more; the work goes on.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
});

try {
  const commands = await loadCommands(process.argv[2]);
  const { default: yargs } = await import('yargs');
  const { hideBin } = await import('yargs/helpers');
  await yargs(hideBin(process.argv))
    .scriptName('hearth')
    .usage('$0 <command>\n\nLLM-Pruner checkpoints to GGUF, and local chat from them.')
    .command(commands as CommandModule[])
    .example(EXAMPLES)
    .demandCommand(1, 'Name a command; see hearth --help.')
    .recommendCommands()
    .strict()
    .completion('completion', 'Print a shell completion script')
    .version(hearthVersion())
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail(reportFailure)
    .parseAsync();
} catch (error) {
  process.stderr.write(`hearth: ${printable(describe(error))}\n`);
  process.exitCode ||= 1;
}

/** The command of this name; where there is none, all of them, for --help and for suggestions. */
async function loadCommands(name: string | undefined): Promise<unknown[]> {
  if (name === '--version') return [];
  if (name === 'chat' || name === 'serve') {
    const { forkEngineAhead } = await import('./runtime/engine/child-process.js');
    forkEngineAhead();
  }
  const loaders = Object.entries(COMMANDS);
  const named = loaders.filter(([command]) => command === name);
  return await Promise.all((named.length > 0 ? named : loaders).map(([, load]) => load()));
}

/**
 * Usage mistakes, those a check or a coerce threw included, arrive with a message and exit with 2.
 * What a command itself threw arrives without one and exits with 1.
 */
function reportFailure(message: string | null, error: Error | undefined): never {
  if (message === null) throw error;
  process.exitCode = 2;
  throw error ?? new Error(message);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.HEARTH_DEBUG ? (error.stack ?? error.message) : error.message;
}
