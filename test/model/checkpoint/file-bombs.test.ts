// Hostile archives, safetensors and JSON files. Sparse files claim terabytes and take none.
import {
  closeSync,
  ftruncateSync,
  linkSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { opcodes, Raw } from '../../support/tiny-pickle.js';
import {
  safetensorsFile,
  storedZip,
  tinyCheckpoint,
  torchArchive,
} from '../../support/tiny-torch.js';
import { type Bomb, floods, folderAfter, headerOf, testBombs, worstJson } from './bomb.js';

const MIB = 1 << 20;
const TERABYTE = 2 ** 40;

/** A pytorch_model.bin of these bytes. */
function bin(message: RegExp | null, bytes: () => Buffer): Bomb {
  return {
    message,
    write(folder) {
      const filePath = path.join(folder, 'pytorch_model.bin');
      writeFileSync(filePath, bytes());
      return filePath;
    },
  };
}

/** The tiny Hugging Face folder with these files written over it. */
function folderWith(message: RegExp | null, files: () => Record<string, string | Buffer>): Bomb {
  return folderAfter(message, (folder) => {
    for (const [name, bytes] of Object.entries(files()))
      writeFileSync(path.join(folder, name), bytes);
  });
}

/** Terabytes without a byte on the disk, with some bytes at given places. */
function writeSparse(filePath: string, sizeBytes: number, parts: [number, Buffer][] = []): string {
  const file = openSync(filePath, 'w');
  ftruncateSync(file, sizeBytes);
  for (const [position, bytes] of parts) writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
  return filePath;
}

function sparse(message: RegExp, sizeBytes: number, parts: [number, Buffer][] = []): Bomb {
  return {
    message,
    write: (folder) => writeSparse(path.join(folder, 'pytorch_model.bin'), sizeBytes, parts),
  };
}

/** zip64's end of the directory, its locator and the plain end, as they close a file. */
function zip64End(count: bigint, sizeBytes: bigint, offset: bigint, endOffset: bigint): Buffer {
  const bytes = Buffer.alloc(56 + 20 + 22);
  bytes.write('PK\x06\x06', 'latin1');
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeBigUInt64LE(count, 24);
  bytes.writeBigUInt64LE(count, 32);
  bytes.writeBigUInt64LE(sizeBytes, 40);
  bytes.writeBigUInt64LE(offset, 48);
  bytes.write('PK\x06\x07', 56, 'latin1');
  bytes.writeBigUInt64LE(endOffset, 64);
  bytes.writeUInt32LE(1, 72);
  bytes.write('PK\x05\x06', 76, 'latin1');
  bytes.fill(0xff, 84, 96);
  return bytes;
}

function sparseZip64(message: RegExp, count: bigint, offset: bigint, endShift = 0n): Bomb {
  const size = 4 * TERABYTE;
  const end = zip64End(count, 1n << 40n, offset, BigInt(size - 98) + endShift);
  return sparse(message, size, [
    [0, Buffer.from('PK\x03\x04', 'latin1')],
    [size - 98, end],
  ]);
}

function manyEntries(count: number, nameLength: number): Buffer {
  const names = Array.from({ length: count }, (_, i) => String(i).padStart(nameLength, 'n'));
  const empty = Buffer.alloc(0);
  return storedZip(names.map((name) => ({ name, bytes: empty })));
}

/** An index that lists `count` names which are all the file `bytes`. */
function shards(
  message: RegExp,
  suffix: 'bin' | 'safetensors',
  count: number,
  bytes: () => Buffer,
): Bomb {
  return {
    message,
    write(folder) {
      const original = path.join(folder, 'original');
      writeFileSync(original, bytes());
      writeFileSync(path.join(folder, 'config.json'), '{}');
      const names = Array.from({ length: count }, (_, i) => `shard-${i}.${suffix}`);
      for (const name of names) linkSync(original, path.join(folder, name));
      const base = suffix === 'bin' ? 'pytorch_model.bin' : 'model.safetensors';
      const map = Object.fromEntries(names.map((name) => [name, name]));
      writeFileSync(path.join(folder, `${base}.index.json`), JSON.stringify({ weight_map: map }));
      return folder;
    },
  };
}

testBombs({
  'four terabytes of nothing': sparse(/not a PyTorch file/, 4 * TERABYTE),
  'four terabytes behind a magic': sparse(/broken zip/, 4 * TERABYTE, [
    [0, Buffer.from('PK\x03\x04', 'latin1')],
  ]),
  'four terabytes behind a pickle': sparse(/plain pickle/, 4 * TERABYTE, [
    [0, Buffer.from('\x80\x02', 'latin1')],
  ]),
  'a directory of 2^40 entries': sparseZip64(/entries|broken zip/, 1n << 40n, 0n),
  'a directory of 2^64 entries': sparseZip64(/entries|broken zip/, (1n << 64n) - 1n, 0n),
  'a directory behind the end': sparseZip64(/broken zip/, 100n, 1n << 62n),
  'a directory of zeros': sparseZip64(/broken zip/, 8000n, 0n),
  'an end of the directory that is not there': sparseZip64(/broken zip/, 8000n, 0n, -(1n << 41n)),
  'a million entries': bin(/entries/, () => {
    const end = zip64End(1_000_000n, 56_000_000n, 30n, 30n + 56_000_000n);
    return Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(56_000_026), end]);
  }),
  'as many entries as are taken': bin(/0 data\.pkl/, () => manyEntries(8192, 1000)),
  'entries with overlong names': bin(/overlong name/, () => manyEntries(1000, 60_000)),
  'a pickle of 24 MiB of nothing': bin(/opcode 0x0/, () => torchArchive(Buffer.alloc(24 * MIB))),
  'a pickle of 200 MiB': bin(/data\.pkl has/, () => torchArchive(Buffer.alloc(200 * MIB))),
  'a header of the largest size, of nothing': folderWith(/JSON/, () => ({
    'model.safetensors': safetensorsFile(' '.repeat(8 * MIB)),
  })),
  'a header of open brackets': folderWith(/JSON/, () => ({
    'model.safetensors': safetensorsFile('{"a":'.repeat(1.6 * MIB)),
  })),
  'a header of empty lists': folderWith(/JSON/, () => ({
    'model.safetensors': safetensorsFile(`{"a":[${'[],'.repeat(2.6 * MIB)}[]]}`),
  })),
  'a header of numbers': folderWith(/JSON|data_offsets/, () => ({
    'model.safetensors': safetensorsFile(`{"a":[${'1,'.repeat(1_200_000)}1]}`),
  })),
  'a header of keys': folderWith(/JSON|data_offsets/, () => ({
    'model.safetensors': safetensorsFile(worstJson(49_000, 0)),
  })),
  'a header of many tensors': folderWith(/has no layers/, () => ({
    'model.safetensors': safetensorsFile(floods(12_000)),
  })),
  'a tensor name that a pattern chews on': folderWith(/too long for a name/, () => ({
    'model.safetensors': safetensorsFile(headerOf([`${'.rotary_emb.'.repeat(650_000)}\n`])),
  })),
  'a tensor name that drives the terminal': folderWith(/"\?\[31m" is not a weight/, () => ({
    'model.safetensors': safetensorsFile(headerOf(['\x1b[31m'])),
  })),
  'a dtype that is no text': folderWith(/is an object, expected F32/, () => ({
    'model.safetensors': safetensorsFile(
      '{"lm_head.weight":{"dtype":{"toString":1,"valueOf":1},"shape":[0],"data_offsets":[0,0]}}',
    ),
  })),
  'a header of 2^64 bytes': folderAfter(/header claims/, (folder) => {
    writeSparse(path.join(folder, 'model.safetensors'), 4 * TERABYTE, [[0, Buffer.alloc(8, 0xff)]]);
  }),
  'four terabytes behind the tensors': folderAfter(/expected \d+; it is truncated/, (folder) => {
    truncateSync(path.join(folder, 'model.safetensors'), 4 * TERABYTE);
  }),
  'a config of four terabytes': folderAfter(/at most/, (folder) => {
    writeSparse(path.join(folder, 'config.json'), 4 * TERABYTE);
  }),
  'a config of open brackets': folderWith(/JSON/, () => ({ 'config.json': '['.repeat(4 * MIB) })),
  'a config of keys': folderWith(/model_type/, () => ({ 'config.json': worstJson(49_000, 0) })),
  'a config of one open text': folderWith(/JSON/, () => ({
    'config.json': `{"a":"${'\\"'.repeat(2 * MIB - 10)}`,
  })),
  'a config whose numbers are objects': folderWith(/head size/, () => ({
    'config.json':
      '{"model_type":"llama","num_hidden_layers":1,"hidden_size":{"valueOf":1,"toString":1}}',
  })),
  'settings at every limit': folderWith(null, () => ({
    'config.json': JSON.stringify({
      ...{ model_type: 'llama', hidden_size: 4, num_attention_heads: 1, num_hidden_layers: 1 },
      ...JSON.parse(worstJson(49_000, 0)),
    }),
    'generation_config.json': worstJson(49_000, 0),
    'tokenizer_config.json': worstJson(49_000, 0),
    'special_tokens_map.json': worstJson(49_000, 0),
    'added_tokens.json': worstJson(49_000, 0),
    'chat_template.jinja': 'x'.repeat(MIB),
    'tokenizer.json': worstJson(199_000, 390_000),
  })),
  'a tokenizer.json at the limits': folderWith(null, () => ({
    'tokenizer.json': worstJson(199_000, 390_000),
  })),
  'a tokenizer.json of texts': folderWith(null, () => ({
    'tokenizer.json': `{"a":[${'"\\u20ac",'.repeat(1_200_000)}1]}`,
  })),
  'a tokenizer.json of one text': folderWith(null, () => ({
    'tokenizer.json': `{"a":"${'\u20ac'.repeat(7.9 * MIB)}"}`,
  })),
  'a tokenizer of terabytes': folderAfter(/at most/, (folder) => {
    writeSparse(path.join(folder, 'tokenizer.json'), 4 * TERABYTE);
  }),
  'a sentencepiece model of terabytes': folderAfter(/at most/, (folder) => {
    writeSparse(path.join(folder, 'tokenizer.model'), 4 * TERABYTE, [[0, Buffer.from('\n')]]);
  }),
  'a description of empty lines': folderWith(null, () => ({
    'description.txt': '\n'.repeat(MIB),
  })),
  'a description of blanks': folderWith(null, () => ({
    'description.txt': `- a: ${' '.repeat(MIB - 10)}`,
  })),
  'a description of arguments': folderWith(null, () => ({
    'description.txt': Array.from({ length: 90_000 }, (_, i) => `- ${i}: b`).join('\n'),
  })),
  'a description of terabytes': folderAfter(/at most/, (folder) => {
    writeSparse(path.join(folder, 'description.txt'), 4 * TERABYTE);
  }),
  'an index of many files': folderAfter(/lists more than 512 files/, (folder) => {
    rmSync(path.join(folder, 'model.safetensors'));
    const map = Object.fromEntries(
      Array.from({ length: 49_000 }, (_, i) => [`t${i}`, `${i}.safetensors`]),
    );
    writeFileSync(
      path.join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: map }),
    );
  }),
  'five hundred worst shards of safetensors': shards(
    /shards list far more/,
    'safetensors',
    500,
    () => safetensorsFile(floods(12_000)),
  ),
  'five hundred small shards of safetensors': shards(
    /promises|has no layers|is not a weight/,
    'safetensors',
    500,
    () => safetensorsFile(floods(90)),
  ),
  'five hundred worst archives': shards(/shards list far more/, 'bin', 500, () =>
    torchArchive(pickleOfTables(9_000)),
  ),
  'five hundred archives of many entries': shards(/shards list far more/, 'bin', 500, () =>
    archiveOfEntries(8_000),
  ),
  'a small model beside a large file': folderAfter(null, (folder) => {
    writeFileSync(path.join(folder, 'pytorch_model.bin'), tinyCheckpoint());
    writeSparse(path.join(folder, 'optimizer.pt'), 4 * TERABYTE);
  }),
});

/** A state dict of tables, all looking at a storage of no elements. */
function pickleOfTables(count: number): Buffer {
  const tensor = new Raw(
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    opcodes('storage'),
    'ctorch\nHalfStorage\n',
    opcodes('0'),
    opcodes('cpu'),
    'K\0tQK\0(K\0t(K\x01t\x89}tR',
  ).opcodes;
  const items = Array.from({ length: count }, (_, i) =>
    Buffer.concat([opcodes(`l.${i}.rotary_emb.inv_freq`), tensor]),
  );
  return new Raw('\x80\x02}(', Buffer.concat(items), 'u.').opcodes;
}

function archiveOfEntries(count: number): Buffer {
  const empty = Buffer.alloc(0);
  const more = Array.from({ length: count }, (_, i) => ({ name: `archive/x${i}`, bytes: empty }));
  return storedZip([{ name: 'archive/data.pkl', bytes: pickleOfTables(1) }, ...more]);
}
