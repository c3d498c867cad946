// What can go wrong between a page and its server, sorted by what a person can do about it.
// Messages of the server are kept word for word: they say what was found and what to do.

export const FAILURE_KINDS = [
  /** No answer at all: the server is down, or the network is. */
  'unreachable',
  /** The server wants a key and was given none. */
  'no-key',
  /** The model is not loaded yet. */
  'loading',
  /** It cannot be loaded: its file is broken, or the memory is too small. */
  'no-model',
  /** The queue is full, the wait was too long, or too many requests came from here. */
  'busy',
  /** The conversation is longer than the context. */
  'overflow',
  /** The server does not accept the request; its message says why. */
  'refused',
  /** The answer broke off, or the server failed. */
  'broken',
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];

/** In a stream the status is 200 already, and the code alone says what happened. */
const KIND_OF_CODE: Partial<Record<string, FailureKind>> = {
  context_length_exceeded: 'overflow',
  queue_full: 'busy',
  deadline_exceeded: 'busy',
  load_failed: 'no-model',
  not_ready: 'loading',
};

const KIND_OF_STATUS: Partial<Record<number, FailureKind>> = {
  401: 'no-key',
  429: 'busy',
  503: 'loading',
};

export type Failure = { kind: FailureKind; message: string };

export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly kind: FailureKind;
  /** The server's own code, such as `no_log`; empty where it gave none. */
  readonly code: string;
  /** The field at fault, as the server names it. */
  readonly param: string | null;

  constructor(kind: FailureKind, message: string, code = '', param: string | null = null) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.param = param;
  }
}

/** The error that a response which is not ok stands for. */
export async function errorOfResponse(response: Response): Promise<ServerError> {
  const body: unknown = await response.json().catch(() => null);
  const { message, code, param } = errorFields(body);
  const kind = kindOf(response.status, code);
  return new ServerError(kind, message ?? `HTTP ${response.status}`, code, param);
}

/** The error in an event of a stream; null where the event is none. OpenAI's shape. */
export function errorOfEvent(event: unknown): ServerError | null {
  const { message, code } = errorFields(event);
  return message === null ? null : new ServerError(kindOf(500, code), message);
}

function errorFields(body: unknown) {
  const error = field(body, 'error');
  const message = typeof error === 'string' ? error : field(error, 'message');
  const param = field(error, 'param');
  return {
    message: typeof message === 'string' ? message : null,
    code: String(field(error, 'code') ?? ''),
    param: typeof param === 'string' ? param : null,
  };
}

/** Of JSON from outside; undefined where it has no such field. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function kindOf(status: number, code: string): FailureKind {
  const known = KIND_OF_CODE[code] ?? KIND_OF_STATUS[status];
  if (known) return known;
  return status < 500 ? 'refused' : 'broken';
}
