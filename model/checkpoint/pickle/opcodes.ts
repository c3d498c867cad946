// Pickle's opcodes, protocols 2 to 5, as torch and Python's pickle write them: one line each.
// A table instead of a switch, so that it reads like the list in CPython's pickletools.
// Left out: protocols 0 and 1, out-of-band buffers and the copyreg extension registry.
import { makeValue } from './known-calls.js';
import type { PickleStack } from './pickle-stack.js';
import { PersistentId, PickleGlobal, PickleObject, type PickleValue } from './value.js';

export const STOP = 0x2e;

type Operation = (stack: PickleStack) => void;

export const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // Framing
  [0x80 /* PROTO */, (s) => void checkProtocol(s)],
  [0x95 /* FRAME */, (s) => void s.cursor.uint64()],
  // Constants and numbers
  [0x4e /* NONE */, (s) => s.push(null)],
  [0x88 /* NEWTRUE */, (s) => s.push(true)],
  [0x89 /* NEWFALSE */, (s) => s.push(false)],
  [0x4b /* BININT1 */, (s) => s.push(s.cursor.uint8())],
  [0x4d /* BININT2 */, (s) => s.push(s.cursor.uint16())],
  [0x4a /* BININT */, (s) => s.push(s.cursor.int32())],
  [0x8a /* LONG1 */, (s) => s.push(s.cursor.integer(s.cursor.uint8()))],
  [0x8b /* LONG4 */, (s) => s.push(s.cursor.integer(s.cursor.uint32()))],
  [0x47 /* BINFLOAT */, (s) => s.push(s.cursor.float64())],
  // Text and bytes
  [0x8c /* SHORT_BINUNICODE */, (s) => s.push(s.cursor.text(s.cursor.uint8()))],
  [0x58 /* BINUNICODE */, (s) => s.push(s.cursor.text(s.cursor.uint32()))],
  [0x8d /* BINUNICODE8 */, (s) => s.push(s.cursor.text(s.cursor.uint64()))],
  [0x43 /* SHORT_BINBYTES */, (s) => s.push(s.cursor.bytes(s.cursor.uint8()))],
  [0x42 /* BINBYTES */, (s) => s.push(s.cursor.bytes(s.cursor.uint32()))],
  [0x8e /* BINBYTES8 */, (s) => s.push(s.cursor.bytes(s.cursor.uint64()))],
  [0x96 /* BYTEARRAY8 */, (s) => s.push(s.cursor.bytes(s.cursor.uint64()))],
  // Containers
  [0x5d /* EMPTY_LIST */, (s) => s.push([])],
  [0x29 /* EMPTY_TUPLE */, (s) => s.push([])],
  [0x7d /* EMPTY_DICT */, (s) => s.push(new Map())],
  [0x8f /* EMPTY_SET */, (s) => s.push(new Set())],
  [0x85 /* TUPLE1 */, (s) => s.push(s.popMany(1))],
  [0x86 /* TUPLE2 */, (s) => s.push(s.popMany(2))],
  [0x87 /* TUPLE3 */, (s) => s.push(s.popMany(3))],
  [0x74 /* TUPLE */, (s) => s.push(s.popToMark())],
  [0x91 /* FROZENSET */, (s) => s.push(new Set(s.popToMark()))],
  [0x61 /* APPEND */, (s) => append(s, s.popMany(1))],
  [0x65 /* APPENDS */, (s) => append(s, s.popToMark())],
  [0x73 /* SETITEM */, (s) => setItems(s, s.popMany(2))],
  [0x75 /* SETITEMS */, (s) => setItems(s, s.popToMark())],
  [0x90 /* ADDITEMS */, (s) => addItems(s, s.popToMark())],
  // Stack and memo
  [0x28 /* MARK */, (s) => s.mark()],
  [0x30 /* POP */, (s) => void s.pop()],
  [0x31 /* POP_MARK */, (s) => void s.popToMark()],
  [0x32 /* DUP */, (s) => s.push(s.top())],
  [0x94 /* MEMOIZE */, (s) => s.memoize()],
  [0x71 /* BINPUT */, (s) => s.memoize(s.cursor.uint8())],
  [0x72 /* LONG_BINPUT */, (s) => s.memoize(s.cursor.uint32())],
  [0x68 /* BINGET */, (s) => s.recall(s.cursor.uint8())],
  [0x6a /* LONG_BINGET */, (s) => s.recall(s.cursor.uint32())],
  // Names and objects
  [0x63 /* GLOBAL */, (s) => s.push(new PickleGlobal(s.cursor.line(), s.cursor.line()))],
  [0x93 /* STACK_GLOBAL */, (s) => nameGlobal(s, s.popMany(2))],
  [0x51 /* BINPERSID */, (s) => s.push(new PersistentId(s.pop()))],
  [0x52 /* REDUCE */, (s) => make(s, s.popMany(2))],
  [0x81 /* NEWOBJ */, (s) => make(s, s.popMany(2))],
  [0x92 /* NEWOBJ_EX */, (s) => make(s, s.popMany(3))],
  [0x62 /* BUILD */, (s) => build(s, s.pop())],
]);

function checkProtocol({ cursor }: PickleStack): void {
  const protocol = cursor.uint8();
  if (protocol < 2 || protocol > 5) cursor.fail(`pickle protocol ${protocol}, expected 2 to 5`);
}

function append(stack: PickleStack, items: PickleValue[]): void {
  const target = stack.top();
  // A subclass of list: its items are of no use without its code.
  if (target instanceof PickleObject) return;
  if (!Array.isArray(target)) stack.cursor.fail('items appended to something that is no list');
  for (const item of items) target.push(item);
}

function setItems(stack: PickleStack, items: PickleValue[]): void {
  const target = stack.top();
  if (target instanceof PickleObject) return;
  if (!(target instanceof Map) || items.length % 2 !== 0)
    stack.cursor.fail('keys and values set on something that is no dict');
  for (let i = 0; i < items.length; i += 2)
    target.set(items[i] as PickleValue, items[i + 1] as PickleValue);
}

function addItems(stack: PickleStack, items: PickleValue[]): void {
  const target = stack.top();
  if (!(target instanceof Set)) stack.cursor.fail('items added to something that is no set');
  for (const item of items) target.add(item);
}

function nameGlobal(stack: PickleStack, [module, name]: PickleValue[]): void {
  if (typeof module !== 'string' || typeof name !== 'string')
    stack.cursor.fail('a class name that is no text');
  stack.push(new PickleGlobal(module, name));
}

function make(stack: PickleStack, [callee, args]: PickleValue[]): void {
  stack.push(makeValue(callee ?? null, args ?? null, stack.cursor));
}

function build(stack: PickleStack, state: PickleValue): void {
  const target = stack.top();
  if (target instanceof PickleObject) target.state = state;
  // An OrderedDict may carry attributes (a state dict's _metadata); nobody needs them.
  else if (!(target instanceof Map)) stack.cursor.fail('a state for something that has none');
}
