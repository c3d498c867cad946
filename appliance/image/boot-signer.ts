// The maker's own key of Secure Boot: what the loader and the kernel of a device are signed with, so that
// firmware which knows nothing but its certificate starts nothing else. sbsign signs.
// Dates its signatures, so two builds of the same are not the same bytes. Takes files, no tokens.
import { text, valueFlag } from '../../terminal/flags.js';
import { checkKeyOf, readCertificate } from '../certificate.js';
import { warnIfOpen } from '../signature.js';
import { type DebianTool, runTool } from './debian-tools.js';
import { ImageError } from './image-machine.js';

/** Paths of files in PEM. */
export type BootSigner = { key: string; cert: string };

export const SIGNING_TOOLS: DebianTool[] = [['sbsign', 'sbsigntool']];

/** UEFI's, which all firmware takes. */
const MIN_RSA_BITS = 2048;

/** Of the commands that build a system. */
export const bootSignerFlags = {
  'secure-boot-key': valueFlag(
    "Maker's private key (PEM, RSA) to sign loader, kernel and command line with",
    text('secure-boot-key'),
    { implies: 'secure-boot-cert' },
  ),
  'secure-boot-cert': valueFlag(
    "Its certificate (PEM), which the devices' firmware has",
    text('secure-boot-cert'),
    { implies: 'secure-boot-key' },
  ),
} as const;

type BootSignerFlags = { [Flag in keyof typeof bootSignerFlags]?: string | undefined };

/** Null where neither is given; rejects with {@link ImageError} or SignatureError where firmware would. */
export async function readBootSigner(
  { 'secure-boot-key': key, 'secure-boot-cert': cert }: BootSignerFlags,
  warn: (text: string) => void,
): Promise<BootSigner | null> {
  if (key === undefined || cert === undefined) return null;
  const certificate = await readCertificate(cert);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  const bits = details?.modulusLength ?? 0;
  if (type !== 'rsa' || bits < MIN_RSA_BITS)
    throw new ImageError(
      `${cert} is of ${type}${bits ? ` with ${bits} bits` : ''}; firmware takes rsa of ${MIN_RSA_BITS} bits or more, as hearth keys makes`,
    );
  await checkKeyOf(certificate, { file: cert, key });
  await warnIfOpen(key, warn);
  return { key, cert };
}

/** An EFI program, signed, as the new file `output`. Rejects with {@link ImageError}. */
export async function signProgram(
  program: string,
  output: string,
  { key, cert, signal }: BootSigner & { signal?: AbortSignal | undefined },
): Promise<string> {
  const words = ['--key', key, '--cert', cert, '--output', output, program];
  await runTool('sbsign', words, { signal });
  return output;
}
