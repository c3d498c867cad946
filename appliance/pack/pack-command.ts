// hearth pack: a model and hearth itself as one file that a small device installs without network.
import { stat } from 'node:fs/promises';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { withByteProgress } from '../../terminal/byte-progress.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, print } from '../../terminal/print.js';
import { formatDisk } from '../../terminal/units.js';
import { BUNDLE_TARGETS } from '../manifest.js';
import type { WrittenBundle } from './bundle-writer.js';
import { pack } from './pack.js';

const packOptions = {
  target: {
    describe: 'What the device is',
    choices: BUNDLE_TARGETS,
    demandOption: true,
    requiresArg: true,
  },
  output: valueFlag('Where to write it; hearth-TARGET.tar.zst unless given', text('output'), {
    alias: 'o',
  }),
  config: valueFlag("JSON file of hearth serve's options, for the device", text('config')),
  sign: valueFlag('Private Ed25519 key (PEM) to sign with', text('sign')),
  vulkan: { describe: 'With llama.cpp for GPUs as well, for linux-x64', type: 'boolean' },
  force: { describe: 'Replace an existing file', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

const modelOption = {
  model: { describe: 'GGUF file', type: 'string', demandOption: true },
} as const;

type PackArguments = InferredOptionTypes<typeof packOptions & typeof modelOption>;

export const packCommand: CommandModule<object, PackArguments> = {
  command: 'pack <model>',
  describe: 'Pack a model and hearth into one file that a device installs without network',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', modelOption.model)
      .options(packOptions)
      .example('$0 pack chat.gguf --target linux-arm64', 'hearth-linux-arm64.tar.zst, for a board')
      .example('$0 pack chat.gguf --target linux-x64 --sign key.pem', 'For hearth verify --key'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: PackArguments, signal: AbortSignal): Promise<void> {
  const { model, target, config, sign, vulkan = false, force = false } = argv;
  const output = argv.output ?? `hearth-${target}.tar.zst`;
  const packed = await withByteProgress((display) =>
    pack({
      model,
      target,
      output,
      configFile: config,
      keyFile: sign,
      hasVulkan: vulkan,
      force,
      signal,
      onWarning: (text) => noteAs('pack')(`warning: ${text}`),
      onBytes: (bytesDone, totalBytes) =>
        display.update({ step: 'packing', bytesDone, totalBytes }),
    }),
  );
  const { size } = await stat(output);
  const result = { output, size, isSigned: sign !== undefined, ...packed };
  print(argv.json ? resultJson(result) : resultText(result));
}

type PackResult = WrittenBundle & { output: string; size: number; isSigned: boolean };

function resultText({ output, size, isSigned, manifest, contentBytes }: PackResult): string {
  const { target, files, model } = manifest;
  return [
    `${output}: ${formatDisk(size)} for ${target}, ${files.length} files of ${formatDisk(contentBytes)}, ${isSigned ? 'signed' : 'not signed'}`,
    `model ${model}`,
    'On the device: tar --zstd -xf it, then sudo hearth-bundle/install.sh',
  ].join('\n');
}

function resultJson({ output, size, isSigned, manifest, contentBytes }: PackResult): object {
  return {
    output,
    bundle_bytes: size,
    content_bytes: contentBytes,
    files: manifest.files.length,
    target: manifest.target,
    model: manifest.model,
    signed: isSigned,
  };
}
