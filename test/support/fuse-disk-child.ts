// A file system with one file, `disk`, that misbehaves as it was told: the kernel's FUSE protocol
// without a library, so that the tests need nothing but /dev/fuse and root.
// Usage: fuse-disk-child.js MOUNT-POINT BACKING-FILE FAULT-AS-JSON; prints "ready" once it is mounted.
import { spawnSync } from 'node:child_process';
import { fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { DiskFault } from './fuse-disk.js';

const [mountPoint = '', backingPath = '', faultText = ''] = process.argv.slice(2);
const fault = JSON.parse(faultText) as DiskFault;
const fuse = openSync('/dev/fuse', 'r+');
const backing = openSync(backingPath, 'r+');
const sizeBytes = fstatSync(backing).size;

const OP = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  interrupt: 36,
  batchForget: 42,
} as const;
const [EIO, ENOENT, ENOSYS] = [5, 2, 38];
const MAX_WRITE = 1 << 20;
const HEADER_BYTES = 40;
const FILE_NODE = 2n;
/** Every read and write is asked of this program, none of the kernel's memory. */
const FOPEN_DIRECT_IO = 1;

let writtenBytes = 0;

mountAt(mountPoint);
process.stdout.write('ready\n');
serve();

function mountAt(folder: string): void {
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  const words = ['-i', '-t', 'fuse', '-o', options, 'hearth-test', folder];
  const { status } = spawnSync('mount', words, { stdio: ['ignore', 'inherit', 'inherit', fuse] });
  if (status !== 0) process.exit(1);
}

function serve(): void {
  const request = Buffer.alloc(MAX_WRITE + (64 << 10));
  for (;;) {
    let length: number;
    try {
      length = readSync(fuse, request);
    } catch (error) {
      // ENODEV: unmounted.
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') return;
      continue;
    }
    const opcode = request.readUInt32LE(4);
    if (opcode === OP.forget || opcode === OP.batchForget || opcode === OP.interrupt) continue;
    const node = request.readBigUInt64LE(16);
    answer(request.readBigUInt64LE(8), reply(opcode, node, request.subarray(HEADER_BYTES, length)));
  }
}

function answer(unique: bigint, result: Buffer | number): void {
  const body = typeof result === 'number' ? Buffer.alloc(0) : result;
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeInt32LE(typeof result === 'number' ? -result : 0, 4);
  header.writeBigUInt64LE(unique, 8);
  try {
    writeSync(fuse, Buffer.concat([header, body]));
  } catch {}
}

/** The body, or an errno. */
function reply(opcode: number, node: bigint, body: Buffer): Buffer | number {
  switch (opcode) {
    case OP.init:
      return initReply(body);
    case OP.lookup:
      return body.toString('latin1').startsWith('disk\0') ? entryReply() : ENOENT;
    case OP.getattr:
    case OP.setattr:
      return Buffer.concat([Buffer.alloc(16), attributes(node)]);
    case OP.open:
    case OP.opendir:
      return openReply();
    case OP.read:
      return isGone() ? EIO : readDisk(Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
    case OP.write:
      return isGone() ? EIO : writeDisk(Number(body.readBigUInt64LE(8)), body.subarray(40));
    case OP.fsync:
      return isGone() ? EIO : Buffer.alloc(0);
    case OP.flush:
    case OP.release:
      return Buffer.alloc(0);
    default:
      return ENOSYS;
  }
}

function isGone(): boolean {
  return fault.kind === 'vanishes' && writtenBytes >= fault.afterBytes;
}

function readDisk(offset: number, length: number): Buffer {
  const data = Buffer.alloc(Math.min(length, Math.max(0, sizeBytes - offset)));
  if (fault.kind === 'drops' && offset >= fault.realBytes) return data;
  readSync(backing, data, 0, data.length, placeOf(offset));
  const wrong = fault.kind === 'flips' ? fault.atBytes - offset : -1;
  if (wrong >= 0 && wrong < data.length) data[wrong] = (data[wrong] ?? 0) ^ 1;
  return data;
}

function writeDisk(offset: number, data: Buffer): Buffer {
  const isDropped = fault.kind === 'drops' && offset >= fault.realBytes;
  if (!isDropped) writeSync(backing, data, 0, data.length, placeOf(offset));
  writtenBytes += data.length;
  const result = Buffer.alloc(8);
  result.writeUInt32LE(data.length, 0);
  return result;
}

/** A false card ignores the upper bits of an address. */
function placeOf(offset: number): number {
  return fault.kind === 'wraps' ? offset % fault.realBytes : offset;
}

function initReply(body: Buffer): Buffer {
  const result = Buffer.alloc(64);
  result.writeUInt32LE(7, 0);
  result.writeUInt32LE(31, 4);
  result.writeUInt32LE(body.readUInt32LE(8), 8);
  // FUSE_BIG_WRITES and FUSE_MAX_PAGES.
  result.writeUInt32LE(((1 << 5) | (1 << 22)) >>> 0, 12);
  result.writeUInt16LE(16, 16);
  result.writeUInt16LE(12, 18);
  result.writeUInt32LE(MAX_WRITE, 20);
  result.writeUInt32LE(1, 24);
  result.writeUInt16LE(MAX_WRITE / 4096, 28);
  return result;
}

function entryReply(): Buffer {
  const result = Buffer.alloc(40);
  result.writeBigUInt64LE(FILE_NODE, 0);
  return Buffer.concat([result, attributes(FILE_NODE)]);
}

function openReply(): Buffer {
  const result = Buffer.alloc(16);
  result.writeUInt32LE(FOPEN_DIRECT_IO, 8);
  return result;
}

function attributes(node: bigint): Buffer {
  const isFile = node === FILE_NODE;
  const result = Buffer.alloc(88);
  result.writeBigUInt64LE(node, 0);
  result.writeBigUInt64LE(isFile ? BigInt(sizeBytes) : 0n, 8);
  result.writeUInt32LE(isFile ? 0o100600 : 0o40700, 60);
  result.writeUInt32LE(1, 64);
  result.writeUInt32LE(4096, 80);
  return result;
}
