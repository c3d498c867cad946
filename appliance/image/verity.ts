// dm-verity of a system slot: a tree of hashes behind its squashfs, by which the kernel refuses a block that
// is not what it was, and between the two one block that says the tree's root. An update brings all three,
// signed; the loader's entry has the root, too. cryptsetup's veritysetup makes the tree.
// Where the maker signs a kernel for that root, it lies behind the tree, and the block says where in a
// second line: what it starts cannot have it inside.
import { appendFile, open, readFile, stat, truncate } from 'node:fs/promises';
import { roundUp } from '../../model/round-up.js';
import { runTool } from './debian-tools.js';
import { ImageError } from './image-machine.js';

/** `ROOT:BLOCKS`: hash in hexadecimal, and how many blocks of data it is of; as the initramfs reads it. */
export type Verity = string;

const BLOCK_BYTES = 4096;
/** Begins the second line; where the kernel begins and how long it is follow, in bytes. */
const KERNEL_LINE = 'kernel';
const VERITY = /^[0-9a-f]{64}:\d+$/;
/** Little-endian, 64 bits, in a squashfs. */
const BYTES_USED_AT = 40;

/** Without salt or name, so that the same system has the same tree. Rejects with {@link ImageError}. */
export async function addVerity(slot: string, signal?: AbortSignal | undefined): Promise<void> {
  const blocks = await dataBlocks(slot);
  const treeAt = (blocks + 1) * BLOCK_BYTES;
  await truncate(slot, treeAt);
  const where = [`--data-blocks=${blocks}`, `--hash-offset=${treeAt}`];
  const what = ['--no-superblock', '--salt=-', '--hash=sha256'];
  const told = await runTool('veritysetup', ['format', ...what, ...where, slot, slot], { signal });
  const root = /^Root hash:\s*([0-9a-f]{64})$/m.exec(told)?.[1];
  if (root === undefined) throw new ImageError(`veritysetup said no root hash: ${told}`);
  await using file = await open(slot, 'r+');
  await file.write(`${root}:${blocks}\n`, blocks * BLOCK_BYTES);
}

/** Of a slot that has one. Rejects with {@link ImageError}. */
export async function readVerity(slot: string): Promise<Verity> {
  const blocks = await dataBlocks(slot);
  await using file = await open(slot);
  const block = Buffer.alloc(BLOCK_BYTES);
  await file.read(block, 0, BLOCK_BYTES, blocks * BLOCK_BYTES);
  const [line = ''] = block.toString('latin1').split('\n');
  if (VERITY.test(line)) return line;
  throw new ImageError(`${slot} has no hashes behind its files`);
}

/** Behind the hashes, from where `usr/lib/hearth/boot` brings it. Rejects with {@link ImageError}. */
export async function addKernel(slot: string, kernel: string): Promise<void> {
  const verity = await readVerity(slot);
  const at = roundUp((await stat(slot)).size, BLOCK_BYTES);
  await truncate(slot, at);
  const content = await readFile(kernel);
  await appendFile(slot, content);
  // RAUC's index of a slot is of whole blocks.
  await truncate(slot, roundUp(at + content.length, BLOCK_BYTES));
  await using file = await open(slot, 'r+');
  const lines = `${verity}\n${KERNEL_LINE} ${at} ${content.length}\n`;
  await file.write(lines, (await dataBlocks(slot)) * BLOCK_BYTES);
}

async function dataBlocks(slot: string): Promise<number> {
  await using file = await open(slot);
  const header = Buffer.alloc(BYTES_USED_AT + 8);
  await file.read(header, 0, header.length, 0);
  if (header.toString('latin1', 0, 4) !== 'hsqs') throw new ImageError(`${slot} is no squashfs`);
  return Math.ceil(Number(header.readBigUInt64LE(BYTES_USED_AT)) / BLOCK_BYTES);
}
