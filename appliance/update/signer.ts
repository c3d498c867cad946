// Whether a certificate and a key can sign a bundle, asked before the bundle is built: RAUC would say it
// of the finished one, and a device only on the day that it refuses it.
import { checkKeyOf, readCertificate } from '../certificate.js';
import { UpdateError } from './update-error.js';

/** RFC 5280's id-kp-codeSigning. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/**
 * Each is a file in PEM, or a PKCS#11 URL, of which a token knows more. Rejects with {@link UpdateError} or
 * SignatureError.
 */
export async function checkSigner(cert: string, key: string): Promise<void> {
  if (isToken(cert)) return;
  const certificate = await readCertificate(cert);
  if (!(certificate.keyUsage ?? []).includes(CODE_SIGNING))
    throw new UpdateError(
      `${cert} is not for signing code (extendedKeyUsage codeSigning); hearth keys shows one that is`,
    );
  if (!isToken(key)) await checkKeyOf(certificate, { file: cert, key });
}

function isToken(name: string): boolean {
  return name.startsWith('pkcs11:');
}
