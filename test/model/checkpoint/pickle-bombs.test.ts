// Pickles that are small on disk and endless in memory or time, or that lie about their sizes.
// Each stays just inside the sizes that the reader takes, where it can.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  Called,
  dict,
  memo,
  Named,
  opcodes,
  type Plain,
  Raw,
  sized,
} from '../../support/tiny-pickle.js';
import {
  TINY_STORAGES,
  tinyCheckpoint,
  tinyModel,
  tinyTensor,
  torchArchive,
} from '../../support/tiny-torch.js';
import { type Bomb, testBombs, worstJson } from './bomb.js';

const MIB = 1 << 20;

/** data.pkl of these opcodes and nothing else. */
function pickle(message: RegExp, ...parts: (Buffer | string)[]): Bomb {
  return archive(message, () => new Raw('\x80\x04', ...parts, '.').opcodes);
}

function archive(message: RegExp | null, root: () => Plain | Buffer): Bomb {
  return file(message, () => torchArchive(root(), TINY_STORAGES));
}

function file(message: RegExp | null, bytes: () => Buffer): Bomb {
  return {
    message,
    write(folder) {
      const filePath = path.join(folder, 'pytorch_model.bin');
      writeFileSync(filePath, bytes());
      return filePath;
    },
  };
}

/** A list that holds the level below `width` times, `levels` deep. */
function sharedWithoutEnd(levels: number, width = 10): Raw {
  const level = new Raw('0(', times(width, memo('get', 7)), 't', memo('put', 7)).opcodes;
  return new Raw(opcodes('x'), memo('put', 7), times(levels, level));
}

/** `count` times these opcodes. */
function times(count: number, ...parts: (Buffer | string)[]): Buffer {
  const once = new Raw(...parts).opcodes;
  return Buffer.alloc(once.length * count, once);
}

/** `count` times the opcodes that `of` has for each, as latin1: a buffer each would take seconds. */
function each(count: number, of: (i: number) => string): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, i) => of(i)).join(''), 'latin1');
}

/** A text of less than 256 letters, all of them ASCII. */
function shortText(text: string): string {
  return `X${String.fromCharCode(text.length)}\0\0\0${text}`;
}

/** None into `count` memo slots that are `step` apart. */
function nonesInSlots(count: number, step: number): Buffer {
  const bytes = times(count, 'N', memo('put', 0), '0');
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(i * step, 7 * i + 2);
  return bytes;
}

/** A module whose children are `count` times one module, `levels` deep. */
function sharedModules(levels: number, count: number, leaf: Plain): Plain {
  const torchModule = opcodes(new Named('torch.nn', 'Module'));
  const parts: (Buffer | string)[] = [opcodes(leaf), memo('put', 9)];
  for (let i = 0; i < levels; i++) {
    const children = Array.from({ length: count }, (_, c) => [opcodes(`c${c}`), memo('get', 9)]);
    parts.push('0', torchModule, ')R}(', opcodes('_modules'), '}(', ...children.flat());
    parts.push('uub', memo('put', 9));
  }
  return new Raw(...parts);
}

/** A dict of 45 000 names with one tensor. */
function manyTensors(): Raw {
  return new Raw(opcodes(tinyTensor([2, 2])), memo('put', 5), '0', manyNames(memo('get', 5)));
}

/** A dict of 45 000 names with `value`. */
function manyNames(value: Buffer): Buffer {
  const opcodesOf = value.toString('latin1');
  return new Raw(
    '}(',
    each(45_000, (i) => shortText(`w${i}`) + opcodesOf),
    'u',
  ).opcodes;
}

const MODULE = new Named('torch.nn', 'Module');
const tokenizer = (name: string, fields: Record<string, Plain>) =>
  new Called(new Named('transformers', name), [], dict(fields));
const fastTokenizer = (json: string) =>
  tokenizer('LlamaTokenizerFast', {
    _tokenizer: new Called(new Named('tokenizers', 'Tokenizer'), [], Buffer.from(json)),
  });

testBombs({
  'a million marks': pickle(/nested too deeply/, times(MIB, '(')),
  'a million nested lists': pickle(/stack is too deep/, times(MIB, ']'), times(MIB, 'a')),
  'nested tuples': pickle(/more objects/, ')', times(2 * MIB, '\x85')),
  'dicts on the stack': pickle(/stack is too deep/, times(MIB, '}')),
  'dicts in a list': pickle(/more objects|opcodes/, ']', times(MIB, '}a')),
  'sets in a list': pickle(/more objects|opcodes/, ']', times(MIB, '\x8fa')),
  'copies of the top': pickle(/stack is too deep/, 'N', times(MIB, '2')),
  'tuples of copies': pickle(/opcodes|stack/, 'N', times(20, '(', times(90_000, 'N'), 't')),
  'a long stack and a long memo': pickle(/opcodes|memo/, ']0', nonesInSlots(MIB, 1)),
  'memo slots far apart': pickle(/opcodes|memo/, nonesInSlots(MIB, 4093)),
  'a million floats': pickle(
    /opcodes/,
    '](',
    times(90_000, 'G1234567\0'),
    'e',
    times(MIB, 'G1234567\0a'),
  ),
  'long integers': pickle(/no dict/, ']', times(300_000, '\x8a\x40', 'x'.repeat(64), 'a')),
  'one long integer': pickle(/an integer of/, '\x8b\xff\xff\xff\x7f'),
  'a text of 4 GiB': pickle(/bytes of text|behind the end/, 'X\xff\xff\xff\xff'),
  'a text of 2^63 bytes': pickle(/bytes of text|behind the end/, '\x8d', '\xff'.repeat(7), '\x7f'),
  'bytes of 2^64': pickle(/bytes of text|behind the end/, '\x8e', '\xff'.repeat(8)),
  'a text of 23 MiB': archive(/no dict/, () => 'x'.repeat(23 * MIB)),
  'a text of 23 MiB in wide letters': archive(/no dict/, () => '\u20ac'.repeat(7.6 * MIB)),
  'a text of 23 MiB that is no text': archive(
    /no dict/,
    () => new Raw('\x80\x02', sized('X', Buffer.alloc(23 * MIB, 0xff))),
  ),
  'texts that all differ': pickle(
    /no dict/,
    '](',
    each(90_000, (i) => shortText(`k${i.toString(36)}`)),
    'e',
  ),
  'keys that all differ': pickle(
    /holds a dict/,
    '}',
    each(320_000, (i) => `${shortText(`k${i}`)}Ns`),
  ),
  'bytes views': pickle(/more objects|opcodes/, ']', times(MIB, 'C\x01xa')),
  'names of classes': pickle(/no dict/, ']', times(22_000, 'c', 'm'.repeat(1000), '\n', 'n\na')),
  'short names of classes': pickle(/more objects|opcodes/, ']', times(400_000, 'cm\nn\na')),
  'a chain of persistent ids': pickle(/more objects|opcodes/, 'N', times(MIB, 'Q')),
  'a chain of states': pickle(
    /too deep/,
    'cm\nn\n)R',
    memo('put', 3),
    times(300_000, memo('get', 3), '}b'),
  ),
  'one list spelled as a dict again and again': pickle(
    /bytes of text/,
    'ccollections\nOrderedDict\n',
    memo('put', 1),
    '](',
    Buffer.concat(Array.from({ length: 60_000 }, (_, i) => new Raw(opcodes(i), 'N\x86').opcodes)),
    'e\x85',
    memo('put', 2),
    '0]',
    times(100_000, memo('get', 1), memo('get', 2), 'Ra'),
  ),
  'one list spelled as a set again and again': pickle(
    /bytes of text/,
    'cbuiltins\nset\n',
    memo('put', 1),
    '](',
    Buffer.concat(Array.from({ length: 90_000 }, (_, i) => opcodes(i))),
    'e\x85',
    memo('put', 2),
    '0]',
    times(100_000, memo('get', 1), memo('get', 2), 'Ra'),
  ),
  'one text spelled as bytes again and again': pickle(
    /bytes of text/,
    'c_codecs\nencode\n',
    memo('put', 1),
    '(',
    opcodes('x'.repeat(MIB)),
    opcodes('latin1'),
    't',
    memo('put', 2),
    '0]',
    times(100_000, memo('get', 1), memo('get', 2), 'Ra'),
  ),
  'a root of shared keys': archive(
    /holds a dict/,
    () => new Raw('}', sharedWithoutEnd(30).opcodes, 'Ns'),
  ),
  'a root key of 20 MB': archive(/holds a dict/, () => dict({ ['k'.repeat(20e6)]: null })),
  'a class name of 20 MB': archive(/its model is a/, () =>
    dict({
      model: new Called(new Raw(opcodes('m'), opcodes('n'.repeat(20e6)), '\x93')),
    }),
  ),
  'a config without end': file(/config/, () => tinyCheckpoint({ config: sharedWithoutEnd(3_000) })),
  'a config with shared fields without end': file(/config|nested/, () =>
    tinyCheckpoint({ config: dict({ model_type: 'llama', x: sharedWithoutEnd(30) }) }),
  ),
  'config values that are shared lists': file(/hidden_act|config|nested/, () =>
    tinyCheckpoint({ config: dict({ hidden_act: sharedWithoutEnd(30) }) }),
  ),
  'a head size without end': file(/head_dim|head size/, () =>
    tinyCheckpoint({ fields: { head_dim: sharedWithoutEnd(30) } }),
  ),
  'a head size nested deeply': file(/head_dim|head size/, () =>
    tinyCheckpoint({ fields: { head_dim: sharedWithoutEnd(90_000, 1) } }),
  ),
  'modules shared without end': file(/nested without end/, () =>
    tinyCheckpoint({ fields: { _modules: dict({ a: sharedModules(15, 100, tinyModel()) }) } }),
  ),
  'one module with many weights, shared': file(/repeat without end/, () =>
    tinyCheckpoint({
      fields: {
        _modules: dict({
          a: sharedModules(2, 140, new Called(MODULE, [], dict({ _parameters: manyTensors() }))),
        }),
      },
    }),
  ),
  'one module with many empty weights, shared': file(/repeat without end/, () =>
    tinyCheckpoint({
      fields: {
        _modules: dict({
          a: sharedModules(
            2,
            140,
            new Called(MODULE, [], dict({ _parameters: new Raw(manyNames(opcodes(null))) })),
          ),
        }),
      },
    }),
  ),
  'one module with many empty modules, shared': file(/repeat without end/, () =>
    tinyCheckpoint({
      fields: {
        _modules: dict({
          a: sharedModules(
            2,
            140,
            new Called(MODULE, [], dict({ _modules: new Raw(manyNames(opcodes(null))) })),
          ),
        }),
      },
    }),
  ),
  'modules with names of megabytes': file(/name/, () => {
    const long = 'm'.repeat(1.4e6);
    let leaf: Plain = new Called(MODULE, [], dict({ _parameters: dict({ w: tinyTensor([4]) }) }));
    for (let i = 0; i < 15; i++)
      leaf = new Called(MODULE, [], dict({ _modules: dict({ [long]: leaf }) }));
    return tinyCheckpoint({ fields: { _modules: dict({ a: leaf }) } });
  }),
  'a weight name that a pattern chews on': file(/name|not a weight/, () =>
    tinyCheckpoint({
      fields: {
        _parameters: dict({ [`${'.rotary_emb.'.repeat(1.5e6)}\n`]: tinyTensor([4]) }),
      },
    }),
  ),
  'a state dict with such a name': archive(/name|not a weight/, () =>
    dict({ [`${'.rotary_emb.'.repeat(1.5e6)}\n`]: tinyTensor([4]) }),
  ),
  'a state dict of many tensors': archive(/not a weight|does not exist/, manyTensors),
  'a shape of many dimensions': archive(/stored shape/, () =>
    dict({ 'lm_head.weight': tinyTensor(Array.from({ length: 20_000 }, () => 1)) }),
  ),
  'a shape of 2^62 elements': archive(/stored shape|needs more/, () =>
    dict({ 'lm_head.weight': tinyTensor([2 ** 31 - 1, 2 ** 31 - 1]) }),
  ),
  'settings of a tokenizer without end': file(/nested without end/, () =>
    tinyCheckpoint(
      {},
      tokenizer('LlamaTokenizer', {
        sp_model_proto: Buffer.from('\n\0'),
        init_kwargs: dict({ a: sharedWithoutEnd(30) }),
      }),
    ),
  ),
  'a setting of a tokenizer without end': file(/nested without end/, () =>
    tinyCheckpoint(
      {},
      tokenizer('LlamaTokenizer', {
        sp_model_proto: Buffer.from('\n\0'),
        chat_template: sharedWithoutEnd(30),
      }),
    ),
  ),
  'a special token without end': file(null, () =>
    tinyCheckpoint(
      {},
      tokenizer('LlamaTokenizer', {
        sp_model_proto: Buffer.from('\n\0'),
        bos_token: sharedWithoutEnd(30),
        _bos_token: sharedWithoutEnd(30),
      }),
    ),
  ),
  'a sentencepiece model of nested groups': file(/sentencepiece/, () =>
    tinyCheckpoint(
      {},
      tokenizer('LlamaTokenizer', { sp_model_proto: Buffer.alloc(20 * MIB, 0x0b) }),
    ),
  ),
  'a sentencepiece model of empty pieces': file(null, () =>
    tinyCheckpoint(
      {},
      tokenizer('LlamaTokenizer', { sp_model_proto: Buffer.from('\n\0'.repeat(10 * MIB)) }),
    ),
  ),
  'a fast tokenizer of open brackets': file(/JSON/, () =>
    tinyCheckpoint({}, fastTokenizer('['.repeat(20 * MIB))),
  ),
  'a fast tokenizer of empty lists': file(/JSON/, () =>
    tinyCheckpoint({}, fastTokenizer(`{"a":[${'[],'.repeat(7 * MIB)}[]]}`)),
  ),
  'a fast tokenizer of many keys': file(/JSON/, () =>
    tinyCheckpoint({}, fastTokenizer(worstJson(900_000, 0))),
  ),
  'a fast tokenizer at the limits of JSON': file(null, () =>
    tinyCheckpoint({}, fastTokenizer(worstJson(199_000, 390_000))),
  ),
  'a fast tokenizer of one text': file(null, () =>
    tinyCheckpoint({}, fastTokenizer(`{"a":"${'\\u20ac'.repeat(3.8 * MIB)}"}`)),
  ),
});
