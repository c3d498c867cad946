// hearth verify: whether a bundle is whole, and by whom it is.
// It reads the file from start to end and unpacks nothing.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { withByteProgress } from '../../terminal/byte-progress.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { print } from '../../terminal/print.js';
import { formatDisk } from '../../terminal/units.js';
import { BUNDLE_TARGETS } from '../manifest.js';
import { readPublicKey } from '../signature.js';
import { type VerifiedBundle, verifyBundle } from './verify-bundle.js';

const verifyOptions = {
  key: valueFlag('Public key (PEM) that must have signed it', text('key')),
  target: {
    describe: 'Refuse a bundle for anything else',
    choices: BUNDLE_TARGETS,
    requiresArg: true,
  },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

const bundleOption = {
  bundle: { describe: '.tar.zst of hearth pack', type: 'string', demandOption: true },
} as const;

type VerifyArguments = InferredOptionTypes<typeof verifyOptions & typeof bundleOption>;

export const verifyCommand: CommandModule<object, VerifyArguments> = {
  command: 'verify <bundle>',
  describe: 'Check that a bundle of hearth pack is whole, and who signed it',
  builder: (yargs: Argv) =>
    yargs
      .positional('bundle', bundleOption.bundle)
      .options(verifyOptions)
      .example('$0 verify hearth-linux-arm64.tar.zst', 'Against its own list of files')
      .example('$0 verify hearth-linux-arm64.tar.zst --key pub.pem', 'And against a signature'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run({ bundle, key, target, json }: VerifyArguments, signal: AbortSignal) {
  const publicKey = key === undefined ? null : await readPublicKey(key);
  const verified = await withByteProgress((display) =>
    verifyBundle({
      bundle,
      publicKey,
      target: target ?? null,
      signal,
      onBytes: (bytesDone, totalBytes) =>
        display.update({ step: 'checking', bytesDone, totalBytes }),
    }),
  );
  print(json ? resultJson(verified) : resultText(bundle, verified));
}

const SIGNATURE_TEXT: Record<VerifiedBundle['signature'], string> = {
  checked: 'signed by the owner of the key',
  'not checked': 'signed, but by whom only --key can tell',
  none: 'not signed',
};

function resultText(bundle: string, { manifest, signature, contentBytes }: VerifiedBundle): string {
  const { target, files, model, hearth } = manifest;
  return [
    `${bundle} is whole: ${files.length} files of ${formatDisk(contentBytes)} for ${target}, hearth ${hearth}`,
    `model ${model}`,
    SIGNATURE_TEXT[signature],
  ].join('\n');
}

function resultJson({ manifest, signature, contentBytes }: VerifiedBundle): object {
  const { target, files, model, hearth } = manifest;
  return { target, hearth, model, files: files.length, content_bytes: contentBytes, signature };
}
