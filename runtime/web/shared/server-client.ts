// Requests to the server that sent this page, with the key where it wants one.
// A 401 asks for the key and tries again, so nobody else needs to think of keys.
// Addresses are relative: the pages also work below a path of a reverse proxy.
import { askForKey, readKey } from './api-key.js';
import { errorOfResponse, ServerError } from './server-error.js';

export type ServerRequest = {
  /** Sent as JSON by POST; without it the request is a GET. */
  body?: unknown;
  signal?: AbortSignal;
};

/** A response that is ok. Throws {@link ServerError}, and what the signal aborts with. */
export async function ask(address: string, request: ServerRequest = {}): Promise<Response> {
  for (;;) {
    const key = readKey();
    const response = await send(address, request, key);
    if (response.ok) return response;
    if (response.status !== 401) throw await errorOfResponse(response);
    if (readKey() !== key) continue;
    if (!(await askForKey({ wasRefused: key !== null }))) throw await errorOfResponse(response);
  }
}

export async function askJson(address: string, request: ServerRequest = {}): Promise<unknown> {
  const response = await ask(address, request);
  return response.json().catch(() => {
    throw new ServerError('broken', `the server answered ${address} with something else than JSON`);
  });
}

async function send(
  address: string,
  { body, signal }: ServerRequest,
  key: string | null,
): Promise<Response> {
  const headers = new Headers();
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  try {
    return await fetch(address, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      cache: 'no-store',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError('unreachable', String(error));
  }
}
