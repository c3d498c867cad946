// The stack, the marks and the memo of one pickle while it is read, each with its limit.
// Opcodes (opcodes.ts) are one line each because the checks live here.
// Does not know what an opcode means.
import type { ByteCursor } from './byte-cursor.js';
import type { PickleValue } from './value.js';

/** A 126-layer model's pickle holds 50 000 containers and calls; each costs up to 200 bytes. */
const MAX_CONTAINERS = 200_000;
const MAX_STACK = 100_000;
const MAX_MARKS = 10_000;
const MAX_MEMO = 400_000;

export class PickleStack {
  readonly cursor: ByteCursor;
  readonly #values: PickleValue[] = [];
  /** Heights of the stack at which a MARK lies. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #containers = 0;

  constructor(cursor: ByteCursor) {
    this.cursor = cursor;
  }

  /** Pushes a new value; a value that is already stored comes back by {@link recall}. */
  push(value: PickleValue): void {
    if (typeof value === 'object' && value !== null && ++this.#containers > MAX_CONTAINERS)
      this.cursor.fail('more objects than any model has');
    this.#grow(value);
  }

  pop(): PickleValue {
    if (this.#values.length <= (this.#marks.at(-1) ?? 0)) this.cursor.fail('the stack is empty');
    return this.#values.pop() as PickleValue;
  }

  /** The last `count` values, in the order in which they were pushed. */
  popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  top(): PickleValue {
    const value = this.pop();
    this.#values.push(value);
    return value;
  }

  mark(): void {
    if (this.#marks.length >= MAX_MARKS) this.cursor.fail('nested too deeply');
    this.#marks.push(this.#values.length);
  }

  /** Everything since the last MARK, which goes too. */
  popToMark(): PickleValue[] {
    const height = this.#marks.pop() ?? this.cursor.fail('a mark is missing');
    return this.#values.splice(height);
  }

  memoize(index = this.#memo.size): void {
    if (this.#memo.size >= MAX_MEMO) this.cursor.fail('the memo is too large');
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) this.cursor.fail(`memo ${index} was never stored`);
    this.#grow(this.#memo.get(index) as PickleValue);
  }

  #grow(value: PickleValue): void {
    if (this.#values.length >= MAX_STACK) this.cursor.fail('the stack is too deep');
    this.#values.push(value);
  }
}
