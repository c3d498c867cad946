// Reads a pickle without Python: builds plain records and never calls what the pickle names.
// hearth's own, because a stranger's pickle is a program and no library reads it as data only.
// Does not know torch; torch/ gives the records their meaning.
import { ByteCursor } from './byte-cursor.js';
import { OPERATIONS, STOP } from './opcodes.js';
import { PickleStack } from './pickle-stack.js';
import type { PickleValue } from './value.js';

/** A 126-layer model takes 220 000. */
const MAX_OPCODES = 1_000_000;

/** The value that a pickle describes. Throws {@link CheckpointError}; runs nothing. */
export function unpickle(bytes: Buffer, filePath: string): PickleValue {
  const cursor: ByteCursor = new ByteCursor(bytes, filePath);
  const stack = new PickleStack(cursor);
  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = cursor.uint8();
    if (opcode === STOP) return stack.pop();
    const operate = OPERATIONS.get(opcode);
    if (!operate) cursor.fail(`opcode 0x${opcode.toString(16)} is not one that torch writes`);
    operate(stack);
  }
  cursor.fail(`more than ${MAX_OPCODES} opcodes`);
}
