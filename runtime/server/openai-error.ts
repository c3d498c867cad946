// What went wrong, as OpenAI's clients expect to read it: {"error":{message,type,param,code}}.
// Every failure of the server passes through here once, whoever threw it.
import type { FastifyError } from 'fastify';
import type { EngineFailure } from '../engine/engine.js';
import { EngineError } from '../engine/engine-error.js';
import { LogError, LogQueryError } from '../log/log-error.js';
import { MAX_BODY_BYTES } from './limits.js';

type ApiErrorDetails = {
  status: number;
  type?: string;
  code?: string | null;
  /** The field at fault, such as `messages[0].role`. */
  param?: string | null;
  retryAfterS?: number;
  extra?: Record<string, unknown>;
};

/** An answer other than 2xx, thrown by whatever finds the reason for it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly type: string;
  readonly retryAfterS: number | null;
  readonly extra: Record<string, unknown>;

  constructor(message: string, details: ApiErrorDetails, options?: ErrorOptions) {
    super(message, options);
    const { status, code = null, param = null, retryAfterS = null, extra = {} } = details;
    this.status = status;
    this.code = code;
    this.param = param;
    this.type = details.type ?? defaultType(status);
    this.retryAfterS = retryAfterS;
    this.extra = extra;
  }
}

/** A request that asks for what cannot be: 400, with the field at fault. */
export function badRequest(message: string, param: string | null, code?: string): ApiError {
  return new ApiError(message, { status: 400, param, code: code ?? null });
}

/** For a request that waited too long for a sequence or for its model. */
export function deadlinePassed(): ApiError {
  return new ApiError(
    'the deadline passed while the request waited its turn or its prompt was made',
    { status: 504, code: 'deadline_exceeded' },
  );
}

export function shuttingDown(): ApiError {
  return new ApiError('hearth is shutting down; ask again', {
    status: 503,
    code: 'shutting_down',
    retryAfterS: 1,
  });
}

export function errorBody(error: ApiError): { error: Record<string, unknown> } {
  const { message, type, param, code, extra } = error;
  return { error: { message, type, param, code, ...extra } };
}

/** `error` of whatever origin. What nobody foresaw is a 500 that tells no inner detail. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof EngineError) return engineFailure(error.failure);
  if (error instanceof LogQueryError) return badRequest(error.message, 'since');
  if (error instanceof LogError)
    return new ApiError(error.message, { status: 503, code: 'log_unreadable' });
  if (isFastifyError(error)) return fastifyError(error);
  return new ApiError('hearth failed inside; its log on stderr says more', { status: 500 });
}

/** Statuses of the engine's failures; a retry helps only where one is promised. */
const ENGINE_STATUS = {
  'context-overflow': 400,
  'bad-request': 400,
  'no-embeddings': 501,
  'engine-died': 502,
  'load-failed': 503,
  'not-ready': 503,
  'queue-full': 429,
  internal: 500,
} as const satisfies Record<EngineFailure['code'], number>;

const RETRY_AFTER_S = { 'queue-full': 1, 'not-ready': 5, 'engine-died': 5 } as const;

const OPENAI_CODES: Partial<Record<EngineFailure['code'], string>> = {
  'context-overflow': 'context_length_exceeded',
  'queue-full': 'queue_full',
};

function engineFailure(failure: EngineFailure): ApiError {
  const { code, neededTokens, availableTokens, nCtx } = failure;
  const retryAfterS = (RETRY_AFTER_S as Partial<Record<string, number>>)[code];
  return new ApiError(messageForClients(failure), {
    status: ENGINE_STATUS[code],
    code: OPENAI_CODES[code] ?? code.replaceAll('-', '_'),
    param: code === 'context-overflow' ? 'messages' : null,
    // As llama-server's clients look for it; OpenAI's go by the code.
    ...(code === 'context-overflow' ? { type: 'exceed_context_size_error' } : {}),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
    extra: {
      ...(neededTokens === undefined ? {} : { needed_tokens: neededTokens }),
      ...(availableTokens === undefined ? {} : { available_tokens: availableTokens }),
      ...(nCtx === undefined ? {} : { n_prompt_tokens: neededTokens, n_ctx: nCtx }),
    },
  });
}

/** What llama.cpp printed may name paths and addresses: the log and stderr have it, a client does not. */
function messageForClients({ message, nativeLog = [] }: EngineFailure): string {
  return nativeLog.reduce((text, line) => text.replace(`: ${line}`, ''), message);
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && typeof Reflect.get(error, 'statusCode') === 'number';
}

function fastifyError(error: FastifyError): ApiError {
  const [first] = error.validation ?? [];
  if (first) return validationError(first, error.validationContext ?? 'body');
  const status = error.statusCode ?? 500;
  if (status >= 500) return new ApiError('hearth failed inside', { status });
  return new ApiError(CLEARER[error.code] ?? error.message, { status });
}

export const SEND_JSON = 'send JSON, with the header "content-type: application/json"';

/** Where fastify's own words do not say what to do. */
const CLEARER: Partial<Record<string, string>> = {
  FST_ERR_BAD_URL: 'the path is not valid: "%" must start an escaped byte of UTF-8',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: SEND_JSON,
  FST_ERR_CTP_BODY_TOO_LARGE: `the body is too large; at most ${MAX_BODY_BYTES} bytes are read`,
};

type Violation = NonNullable<FastifyError['validation']>[number];

function validationError(violation: Violation, context: string): ApiError {
  const { keyword, instancePath, params, message = 'is not valid' } = violation;
  const path = fieldPath(instancePath);
  if (keyword === 'additionalProperties') {
    const name = join(path, String(params.additionalProperty));
    return badRequest(`hearth does not know the field "${name}"`, name, 'unknown_parameter');
  }
  if (keyword === 'required') {
    const name = join(path, String(params.missingProperty));
    return badRequest(`the field "${name}" is missing`, name, 'missing_required_parameter');
  }
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(', ')}` : '';
  return badRequest(`${path || `the ${context}`} ${message}${allowed}`, path || null);
}

/** `/messages/0/role` as `messages[0].role`. */
function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : join(path, part)), '');
}

/** A field's name in full. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function defaultType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
