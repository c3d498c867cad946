// The calls in a pickle that only spell plain data: Python has no opcode for an OrderedDict,
// and protocol 2 none for sets and bytes. They become the data that they spell.
// Every other call becomes an inert PickleObject; nothing is ever run.
import type { ByteCursor } from './byte-cursor.js';
import { PickleGlobal, PickleObject, type PickleValue } from './value.js';

/** What one item of a dict or set costs in memory, as much as this many bytes of text. */
const ITEM_BYTES = 64;

type Spell = (args: PickleValue[], cursor: ByteCursor) => PickleValue;

/** What calling `callee` with `args` stands for. */
export function makeValue(callee: PickleValue, args: PickleValue, cursor: ByteCursor): PickleValue {
  if (!(callee instanceof PickleGlobal)) cursor.fail('a call of something that is not a name');
  if (!Array.isArray(args)) cursor.fail(`${callee.qualifiedName} with arguments that are no tuple`);
  const spell = SPELLINGS.get(callee.qualifiedName);
  return spell ? spell(args, cursor) : new PickleObject(callee, args);
}

const spellDict: Spell = ([pairs], cursor) => new Map(listOf(pairs, cursor).map(toPair(cursor)));
const spellSet: Spell = ([items], cursor) => new Set(listOf(items, cursor));

/** Python 2 names (`__builtin__`) are what protocol 2, torch's default, writes. */
const SPELLINGS: ReadonlyMap<string, Spell> = new Map<string, Spell>([
  ['collections.OrderedDict', spellDict],
  ['__builtin__.set', spellSet],
  ['builtins.set', spellSet],
  ['__builtin__.frozenset', spellSet],
  ['builtins.frozenset', spellSet],
  ['_codecs.encode', spellBytes],
  ['__builtin__.bytes', ([bytes]) => bytes ?? new Uint8Array()],
  ['builtins.bytes', ([bytes]) => bytes ?? new Uint8Array()],
  ['torch.Size', ([sizes], cursor) => listOf(sizes, cursor)],
]);

/** Protocol 2 writes bytes as text in which each character is one byte. */
function spellBytes([text, encoding]: PickleValue[], cursor: ByteCursor): Uint8Array {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    cursor.fail('bytes that are not spelled in latin1');
  cursor.spend(text.length);
  return Buffer.from(text, 'latin1');
}

/** The items of a list, which a few opcodes could spell again and again. */
function listOf(value: PickleValue | undefined, cursor: ByteCursor): PickleValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) cursor.fail('a container built from something else');
  cursor.spend(value.length * ITEM_BYTES);
  return value;
}

function toPair(cursor: ByteCursor): (pair: PickleValue) => [PickleValue, PickleValue] {
  return (pair) => {
    const [key, value] = listOf(pair, cursor);
    if (key === undefined || value === undefined)
      cursor.fail('an OrderedDict item without a value');
    return [key, value];
  };
}
