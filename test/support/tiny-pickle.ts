// Writes pickles opcode by opcode, right or hostile, for tests of what reads them.
// Shares nothing with the reader, so that the two cannot agree on a mistake.
// Values are written as they come: no memo, except where a test writes one by hand with `raw`.

/** A class or function by its name. */
export class Named {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** `named(*args)`, followed by BUILD where there is a state. */
export class Called {
  readonly named: Named | Raw;
  readonly args: Plain[];
  readonly state: Plain | undefined;

  constructor(named: Named | Raw, args: Plain[] = [], state?: Plain) {
    this.named = named;
    this.args = args;
    this.state = state;
  }
}

/** Opcodes that together push one value. */
export class Raw {
  readonly opcodes: Buffer;

  constructor(...opcodes: (Buffer | string)[]) {
    this.opcodes = Buffer.concat(opcodes.map(latin1));
  }
}

/** A torch storage that the archive holds under `key`. */
export class Storage {
  readonly type: string;
  readonly key: string;
  readonly elements: number;

  constructor(type: string, key: string, elements: number) {
    this.type = type;
    this.key = key;
    this.elements = elements;
  }
}

export type Plain =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Plain[]
  | Map<Plain, Plain>
  | Named
  | Called
  | Raw
  | Storage;

/** A whole pickle: PROTO, the value, STOP. */
export function tinyPickle(value: Plain): Buffer {
  return Buffer.concat([latin1('\x80\x02'), opcodes(value), latin1('.')]);
}

/** A dict from an object. */
export function dict(fields: Record<string, Plain>): Map<Plain, Plain> {
  return new Map<Plain, Plain>(Object.entries(fields));
}

/** The opcodes that push `value`. */
export function opcodes(value: Plain): Buffer {
  if (value === null) return latin1('N');
  if (typeof value === 'boolean') return latin1(value ? '\x88' : '\x89');
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return sized('X', Buffer.from(value));
  if (value instanceof Uint8Array) return sized('B', value);
  if (Array.isArray(value)) return marked('', value, 't');
  if (value instanceof Map) return marked('}', [...value].flat(), 'u');
  if (value instanceof Named) return latin1(`c${value.module}\n${value.name}\n`);
  if (value instanceof Raw) return value.opcodes;
  if (value instanceof Storage) return Buffer.concat([opcodes(persistentId(value)), latin1('Q')]);
  return called(value);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    bytes.write('J');
    bytes.writeInt32LE(value, 1);
    return bytes.subarray(0, 5);
  }
  bytes.write('\x8a\x08', 'latin1');
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

function called({ named, args, state }: Called): Buffer {
  const made = [opcodes(named), opcodes(args), latin1('R')];
  return Buffer.concat(state === undefined ? made : [...made, opcodes(state), latin1('b')]);
}

function persistentId({ type, key, elements }: Storage): Plain {
  return ['storage', new Named('torch', type), key, 'cpu', elements];
}

function marked(before: string, values: Plain[], after: string): Buffer {
  return Buffer.concat([latin1(`${before}(`), ...values.map(opcodes), latin1(after)]);
}

/** An opcode, a length of four bytes and as many bytes. */
export function sized(opcode: string, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([latin1(opcode), length, bytes]);
}

/** LONG_BINPUT or LONG_BINGET of a memo slot. */
export function memo(opcode: 'put' | 'get', slot: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.write(opcode === 'put' ? 'r' : 'j');
  bytes.writeUInt32LE(slot, 1);
  return bytes;
}

function latin1(text: Buffer | string): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
}
