// A signer of updates whose certificate ended yesterday, vouched for by a CA that devices trust.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UPDATE_KEYS } from '../../../appliance/update/update-keys.js';

/** In the new `folder`, by the CA in the folder `keys`, under the names of a folder of keys. */
export function makeExpiredSigner(folder: string, keys: string): void {
  mkdirSync(folder);
  const { caCert, caKey, signerCert, signerKey } = UPDATE_KEYS;
  const [request, config] = [path.join(folder, 'request.pem'), path.join(folder, 'ends.cnf')];
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'ignore' });
  const key = path.join(keys, signerKey);
  openssl('req', '-new', '-key', key, '-subj', '/CN=late', '-out', request);
  writeFileSync(config, 'extendedKeyUsage=codeSigning\nkeyUsage=digitalSignature\n');
  const issuer = ['-CA', path.join(keys, caCert), '-CAkey', path.join(keys, caKey)];
  const ends = ['-days', '-1', '-extfile', config, '-out', path.join(folder, signerCert)];
  openssl('x509', '-req', '-in', request, ...issuer, ...ends);
  copyFileSync(key, path.join(folder, signerKey));
}
