// What every part of the deploy test is handed, and how it runs the programs of others.
import { runProgram } from '../support/hearth.js';

export type DeploySetting = {
  architecture: 'x64' | 'arm64';
  buildImage: string | undefined;
  baseImage: string | undefined;
  /** Built already. */
  image: string | undefined;
  /** For what is made on the way. */
  folder: string;
  signal: AbortSignal;
  check: (isRight: boolean, what: string) => void;
};

/** Stdout. Rejects with what it said where it fails, or with the Debian package that has it. */
export async function output(
  words: string[],
  debianPackage: string,
  cwd?: string,
): Promise<string> {
  const missing = () => {
    throw new Error(`${words[0]} is missing; run apt-get install ${debianPackage}`);
  };
  const { status, stdout, stderr } = await runProgram(
    words,
    cwd === undefined ? {} : { cwd },
  ).catch(missing);
  if (status === 0) return stdout;
  throw new Error(`${words.join(' ')} ended with ${status}: ${(stderr || stdout).trim()}`);
}
