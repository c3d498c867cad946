// hearth keys: what a maker signs updates and starts with, for trying it out; and how to keep the real ones.
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { print } from '../../terminal/print.js';
import { makeUpdateKeys, UPDATE_KEYS } from './update-keys.js';

const DEFAULT_NAME = 'hearth development';
/** Long enough to be forgotten, short enough for a key that leaked. */
const DEFAULT_DAYS = 730;

const keysOptions = {
  name: valueFlag('Who signs, as the certificates say', text('name'), {
    defaultDescription: DEFAULT_NAME,
  }),
  days: valueFlag("The signer's days", wholeNumber('days', 1, 7300), {
    defaultDescription: `${DEFAULT_DAYS}`,
  }),
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type KeysArguments = InferredOptionTypes<typeof keysOptions> & { folder: string };

export const keysCommand: CommandModule<object, KeysArguments> = {
  command: 'keys <folder>',
  describe: 'Make keys to sign updates and images with, for trying it out',
  builder: (yargs: Argv) =>
    yargs
      .positional('folder', { describe: 'New folder', type: 'string', demandOption: true })
      .options(keysOptions)
      .example('$0 keys keys', 'For hearth image --update-ca and hearth update-bundle')
      .epilogue(
        "Real keys: make the CA's on a machine without network and keep it there, on two sticks in two places; it is needed again when a signer's certificate ends. Sign with a token: hearth update-bundle --key takes a PKCS#11 URL. The key of Secure Boot signs every system: keep it on the machine that builds them, off the network when it does not.",
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run({ folder, json, ...argv }: KeysArguments, signal: AbortSignal) {
  const { name = DEFAULT_NAME, days = DEFAULT_DAYS } = argv;
  await makeUpdateKeys({ folder, name, days, signal });
  print(json ? resultJson(folder) : resultText(folder));
}

function resultText(folder: string): string {
  const { caKey, caCert, signerKey, signerCert, bootKey, bootCert } = UPDATE_KEYS;
  return [
    folder,
    `  ${caCert}      goes into every image: hearth image --update-ca`,
    `  ${signerCert}  and ${signerKey} sign: hearth update-bundle --cert, --key`,
    `  ${caKey}       makes the next signer; whoever has it owns the devices, so keep it offline`,
    `  ${bootKey}     signs what starts: hearth image, update-bundle --secure-boot-key, --secure-boot-cert`,
    `  ${bootCert}    goes into the firmware of each device, as PK, KEK and the only one in db`,
  ].join('\n');
}

function resultJson(folder: string): object {
  const { caKey, caCert, signerKey, signerCert, bootKey, bootCert } = UPDATE_KEYS;
  return {
    ca_key: path.join(folder, caKey),
    ca_cert: path.join(folder, caCert),
    key: path.join(folder, signerKey),
    cert: path.join(folder, signerCert),
    boot_key: path.join(folder, bootKey),
    boot_cert: path.join(folder, bootCert),
  };
}
