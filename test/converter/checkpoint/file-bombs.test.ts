// Hostile archives, safetensors, JSON files and things that are no files at all.
// Sparse files claim terabytes and take none; nothing here may block, as a pipe would.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
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
  tinySafetensors,
  torchArchive,
  writeTinyFolder,
} from '../../support/tiny-torch.js';
import { type Bomb, testBombs, worstJson } from './bomb.js';

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

function folderAfter(message: RegExp | null, change: (folder: string) => void): Bomb {
  return {
    message,
    write(folder) {
      writeTinyFolder(folder);
      change(folder);
      return folder;
    },
  };
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

/** The tiny checkpoint with a LoRA folder whose config and matrices are these. */
function lora(message: RegExp, config: () => string, matrices: () => Buffer): Bomb {
  return {
    message,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      writeFileSync(path.join(adapter, 'adapter_config.json'), config());
      writeFileSync(path.join(adapter, 'adapter_model.safetensors'), matrices());
      return { checkpoint: folder, lora: adapter };
    },
  };
}

/** A header of tables that a model computes itself, which the reader passes over. */
function headerOf(names: string[]): string {
  const entry = '{"dtype":"F16","shape":[0],"data_offsets":[0,0]}';
  return `{${names.map((name) => `${JSON.stringify(name)}:${entry}`).join()}}`;
}

const floods = (count: number) =>
  headerOf(Array.from({ length: count }, (_, i) => `l.${i}.rotary_emb.inv_freq`));
const loraConfig = (fields: object) =>
  JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 4, ...fields });
const Q_PROJ = 'base_model.model.model.layers.0.self_attn.q_proj';
const loraMatrices = () =>
  tinySafetensors({ [`${Q_PROJ}.lora_A.weight`]: [2, 4], [`${Q_PROJ}.lora_B.weight`]: [4, 2] });

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
    execFileSync('rm', [path.join(folder, 'model.safetensors')]);
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
  'an adapter config of open brackets': lora(/JSON/, () => '{"a":'.repeat(MIB / 2), loraMatrices),
  'an adapter config of patterns': lora(
    /rank_pattern/,
    () => loraConfig({ rank_pattern: JSON.parse(worstJson(49_000, 0)) }),
    loraMatrices,
  ),
  'a pattern that never ends': lora(
    /regular expression/,
    () => loraConfig({ alpha_pattern: { '(a+)+$': 1 } }),
    loraMatrices,
  ),
  'a rank that is an object': lora(
    /r an object/,
    () => loraConfig({ r: { toString: 1, valueOf: 1 } }),
    loraMatrices,
  ),
  'a LoRA of many matrices': lora(
    /not a LoRA matrix/,
    () => loraConfig({}),
    () => safetensorsFile(floods(12_000)),
  ),
  'a LoRA with a name of megabytes': lora(
    /not a LoRA matrix/,
    () => loraConfig({}),
    () => safetensorsFile(headerOf([`base_model.model.${'.lora_A'.repeat(1.1e6)}`])),
  ),
  'a LoRA of terabytes': {
    message: /truncated/,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      writeFileSync(path.join(adapter, 'adapter_config.json'), loraConfig({}));
      const matrices = path.join(adapter, 'adapter_model.safetensors');
      writeFileSync(matrices, loraMatrices());
      truncateSync(matrices, 4 * TERABYTE);
      return { checkpoint: folder, lora: adapter };
    },
  },
  'a LoRA that is a pipe': {
    message: /adapter_model/,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      execFileSync('mkfifo', [path.join(adapter, 'adapter_model.bin')]);
      return { checkpoint: folder, lora: adapter };
    },
  },
  'a pipe': {
    message: /not a regular file/,
    write(folder) {
      const pipe = path.join(folder, 'pytorch_model.bin');
      execFileSync('mkfifo', [pipe]);
      return pipe;
    },
  },
  'a folder with pipes for files': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      execFileSync('mkfifo', [path.join(folder, 'pytorch_model.bin')]);
      execFileSync('mkfifo', [path.join(folder, 'model.safetensors')]);
      return folder;
    },
  },
  'a shard that is a pipe': folderAfter(/not a regular file/, (folder) => {
    execFileSync('rm', [path.join(folder, 'model.safetensors')]);
    execFileSync('mkfifo', [path.join(folder, 'a.safetensors')]);
    writeFileSync(
      path.join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { 'lm_head.weight': 'a.safetensors' } }),
    );
  }),
  'a config that is a pipe': folderAfter(/not a regular file/, (folder) => {
    execFileSync('rm', [path.join(folder, 'config.json')]);
    execFileSync('mkfifo', [path.join(folder, 'config.json')]);
  }),
  'a folder in place of the weights': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      mkdirSync(path.join(folder, 'pytorch_model.bin'));
      return folder;
    },
  },
  'links in a circle': {
    message: /cannot be read \(ELOOP\)/,
    write(folder) {
      symlinkSync(path.join(folder, 'b.bin'), path.join(folder, 'a.bin'));
      symlinkSync(path.join(folder, 'a.bin'), path.join(folder, 'b.bin'));
      return path.join(folder, 'a.bin');
    },
  },
  'a folder that links to itself': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      symlinkSync(folder, path.join(folder, 'model.safetensors'));
      return folder;
    },
  },
  'an endless device': {
    message: /not a regular file/,
    write(folder) {
      const link = path.join(folder, 'pytorch_model.bin');
      symlinkSync('/dev/zero', link);
      return link;
    },
  },
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
