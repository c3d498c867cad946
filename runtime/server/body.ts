// What is checked of a body before any route sees it: its encoding, its depth and its text.
// Done once for all routes, so that no later code meets a NUL, half a character or 10,000 brackets.
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MAX_JSON_DEPTH } from './limits.js';
import { ApiError, badRequest, join, SEND_JSON } from './openai-error.js';

/** As curl names whatever it is given with `-d`. */
const CURLS_TYPE = 'application/x-www-form-urlencoded';

/** Reads JSON bodies, strictly; other content types are refused with 415. */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', CURLS_TYPE],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      checkType(request);
      checkEncoding(request);
      return parseBody(bytes);
    },
  );
}

/** A page of any origin may send a form, of which a browser always says so. */
function checkType({ headers }: FastifyRequest): void {
  const isFromPage = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  if (headers['content-type']?.startsWith(CURLS_TYPE) && isFromPage)
    throw new ApiError(SEND_JSON, { status: 415 });
}

function checkEncoding({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  const message = `hearth reads no content-encoding "${encoding}"; send the JSON as it is`;
  throw new ApiError(message, { status: 415, code: 'unsupported_encoding' });
}

function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) throw badRequest('the body is empty; send a JSON object', null);
  if (!isUtf8(bytes)) throw badRequest('the body is not valid UTF-8', null);
  const body = parseJson(bytes.toString('utf8'));
  checkValue(body, '', 0);
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const details = { status: 400, code: 'invalid_json' };
    throw new ApiError(`the body is not JSON: ${(cause as Error).message}`, details, { cause });
  }
}

function checkValue(value: unknown, path: string, depth: number): void {
  if (typeof value === 'string') checkText(value, path);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= MAX_JSON_DEPTH)
    throw badRequest(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`, null);
  for (const [key, child] of Object.entries(value)) checkKey(key, child, path, value, depth);
}

function checkKey(key: string, child: unknown, path: string, parent: object, depth: number): void {
  if (key === '__proto__') throw badRequest('the body has a key "__proto__"', null);
  if (!Array.isArray(parent)) checkText(key, path);
  checkValue(child, Array.isArray(parent) ? `${path}[${key}]` : join(path, key), depth + 1);
}

/** llama.cpp takes text as C strings and UTF-8: neither can hold these. */
function checkText(text: string, path: string): void {
  const where = path === '' ? 'the body' : path;
  if (text.includes('\0')) throw badRequest(`${where} holds a NUL character`, path || null);
  if (/\p{Cs}/u.test(text))
    throw badRequest(
      `${where} holds half a surrogate pair, which is not a character`,
      path || null,
    );
}
