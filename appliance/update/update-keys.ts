// The X.509 keys of updates: a CA that devices trust, and a signer that it vouches for; and those of Secure
// Boot, which firmware itself trusts.
// openssl makes them, as RAUC's signatures (CMS) know no Ed25519, and firmware nothing but RSA. The folder gets its name when all of
// it is written, and one that is there is never touched: devices out there may hang on its keys.
import { chmod, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { OutputError } from '../../terminal/output-file.js';
import { checkPrograms, runTool } from '../image/debian-tools.js';
import { UpdateError } from './update-error.js';

export const UPDATE_KEYS = {
  caKey: 'ca.key.pem',
  caCert: 'ca.cert.pem',
  signerKey: 'update.key.pem',
  signerCert: 'update.cert.pem',
  bootKey: 'boot.key.pem',
  bootCert: 'boot.cert.pem',
} as const;

export type UpdateKeysOptions = {
  folder: string;
  /** of the maker, for people who look at a certificate */
  name: string;
  /** how long the signer may sign; the CA and the key of Secure Boot hold for {@link CA_DAYS} */
  days: number;
  signal?: AbortSignal | undefined;
};

/** The life of a device, as it cannot be told of another one but by an update. */
const CA_DAYS = 20 * 365;

/** Purposes as RAUC's `check-purpose=codesign` wants them; and e-mail, its default without a setting. */
const CONFIG = `[req]
distinguished_name = subject
prompt = no
[subject]
[ca]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[update]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning, emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[boot]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning
subjectKeyIdentifier = hash
`;
/** Words of openssl: what RAUC takes, and what all firmware does. */
const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const RSA = ['rsa:2048'];

/** Rejects with {@link UpdateError}, OutputError where the folder is not to be had, or ImageError of openssl. */
export async function makeUpdateKeys(options: UpdateKeysOptions): Promise<void> {
  const { folder, name } = options;
  checkName(name);
  await checkPrograms([['openssl', 'openssl']], 'keys of updates are made with openssl');
  await checkIsFree(folder);
  const parent = path.dirname(path.resolve(folder));
  const staging = await mkdtemp(path.join(parent, '.hearth-keys-')).catch((cause) => {
    throw new OutputError(folder, `cannot be written (${cause.code})`, { cause });
  });
  try {
    await makePairs(staging, options);
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function makePairs(staging: string, { name, days, signal }: UpdateKeysOptions) {
  const at = (file: string) => path.join(staging, file);
  const { caKey, caCert, signerKey, signerCert, bootKey, bootCert } = UPDATE_KEYS;
  const config = at('openssl.cnf');
  await writeFile(config, CONFIG);
  const make = async (who: string, key: string, cert: string, more: string[], kind = EC) => {
    const pair = ['-newkey', ...kind, '-noenc'];
    const files = ['-config', config, '-keyout', at(key), '-out', at(cert)];
    const subject = ['-subj', `/O=${name}/CN=${name} ${who}`];
    await runTool(
      'openssl',
      ['req', '-x509', '-utf8', '-sha256', ...pair, ...files, ...subject, ...more],
      {
        signal,
      },
    );
    await chmod(at(key), 0o600);
  };
  await make('CA', caKey, caCert, ['-days', `${CA_DAYS}`, '-extensions', 'ca']);
  const issuer = ['-CA', at(caCert), '-CAkey', at(caKey)];
  await make('updates', signerKey, signerCert, [
    ...issuer,
    ...['-days', `${days}`, '-extensions', 'update'],
  ]);
  const held = ['-days', `${CA_DAYS}`, '-extensions', 'boot'];
  await make('Secure Boot', bootKey, bootCert, held, RSA);
  await rm(config);
  for (const file of await readdir(staging)) await flush(at(file));
}

async function flush(file: string): Promise<void> {
  await using handle = await open(file, 'r');
  await handle.sync();
}

/** A slash, a plus or an equals sign would begin another field of the subject. */
function checkName(name: string): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N} .,_-]{0,39}$/u.test(name)) return;
  throw new UpdateError(
    `--name ${JSON.stringify(name)} cannot stand in a certificate; expected up to 40 letters, digits, spaces, dots, commas, hyphens and underscores`,
  );
}

async function checkIsFree(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new OutputError(folder, `cannot be written (${error.code})`);
  });
  if (entries.length > 0)
    throw new OutputError(
      folder,
      'has files in it, and keys are never replaced; name another folder',
    );
}
