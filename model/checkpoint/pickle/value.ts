// What a pickle becomes: JavaScript's own containers and three inert records.
// Nothing here can run; a class or function that a pickle names stays two strings.
// Tuples and lists are both arrays: no reader has to tell them apart.

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | Set<PickleValue>
  | PickleGlobal
  | PickleObject
  | PersistentId;

export type PickleDict = Map<PickleValue, PickleValue>;

/** A class or function that the pickle names, such as `torch.nn.modules.linear.Linear`. */
export class PickleGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  get qualifiedName(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What Python would have built by calling `made` with `args` and giving it `state`. */
export class PickleObject {
  readonly made: PickleGlobal;
  readonly args: PickleValue[];
  /** Usually the `__dict__` of the object; null until the pickle sets it. */
  state: PickleValue = null;

  constructor(made: PickleGlobal, args: PickleValue[]) {
    this.made = made;
    this.args = args;
  }

  /** A field of the state, or undefined. */
  field(name: string): PickleValue | undefined {
    return this.state instanceof Map ? this.state.get(name) : undefined;
  }
}

/** A reference to something outside the pickle; torch refers to storages this way. */
export class PersistentId {
  readonly id: PickleValue;

  constructor(id: PickleValue) {
    this.id = id;
  }
}
