// Whether a certificate and a key can sign a bundle, asked before the bundle is built: RAUC would say it
// of the finished one, and a device only on the day that it refuses it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readTextFile } from '../../terminal/text-file.js';
import { UpdateError } from './update-error.js';

const MAX_PEM_BYTES = 64 << 10;
/** RFC 5280's id-kp-codeSigning. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/** Each is a file in PEM, or a PKCS#11 URL, of which a token knows more. Rejects with {@link UpdateError}. */
export async function checkSigner(cert: string, key: string): Promise<void> {
  if (isToken(cert)) return;
  const certificate = parse(
    await readTextFile(cert, MAX_PEM_BYTES),
    cert,
    'a certificate',
    (pem) => {
      return new X509Certificate(pem);
    },
  );
  const { validFrom, validTo, keyUsage = [] } = certificate;
  if (new Date(validTo) < new Date())
    throw new UpdateError(`${cert} ended on ${validTo}; devices would refuse it: make a new one`);
  if (new Date(validFrom) > new Date())
    throw new UpdateError(`${cert} begins on ${validFrom}; is the clock of this machine right?`);
  if (!keyUsage.includes(CODE_SIGNING))
    throw new UpdateError(
      `${cert} is not for signing code (extendedKeyUsage codeSigning); hearth keys shows one that is`,
    );
  if (isToken(key)) return;
  const signing = parse(await readTextFile(key, MAX_PEM_BYTES), key, 'a private key', (pem) => {
    return createPrivateKey(pem);
  });
  if (certificate.checkPrivateKey(signing)) return;
  throw new UpdateError(`${key} is not the key of ${cert}; pass the two that belong together`);
}

function isToken(name: string): boolean {
  return name.startsWith('pkcs11:');
}

function parse<T>(pem: string, file: string, what: string, read: (pem: string) => T): T {
  try {
    return read(pem);
  } catch (cause) {
    throw new UpdateError(`${file} is not ${what} in PEM: ${(cause as Error).message}`, { cause });
  }
}
