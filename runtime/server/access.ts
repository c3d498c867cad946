// Who may ask: the Host header, the key, other origins, and how often.
// A page on the web can make a browser call 127.0.0.1; without these checks it could chat here.
// The two pages and the health checks need no key; everything else does where one is set.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './openai-error.js';

export type AccessOptions = {
  /** Any of these opens the API; empty for no key at all. */
  apiKeys: string[];
  /** Origins of pages that may call the API; `*` for all. */
  corsOrigins: string[];
  /** Names under which this server may be called, beside its own and its addresses. */
  allowedHosts: string[];
  /** Requests a minute of one key or address; null for no limit. */
  rateLimit: number | null;
};

/** Paths that the page itself and a supervisor ask for. */
const PUBLIC_PATHS =
  /^\/(?:$|dashboard$|index\.html$|dashboard\.html$|favicon\.(?:ico|svg)$|assets\/|health$|health\/live$)/;
const MINUTE_MS = 60_000;

export async function checkAccess(app: FastifyInstance, options: AccessOptions): Promise<void> {
  app.addHook('onRequest', async (request) => checkHost(request, options.allowedHosts));
  await allowOrigins(app, options.corsOrigins);
  const keys = options.apiKeys.map(digest);
  // Before the key, so that guesses at one are limited, too.
  if (options.rateLimit !== null) await limitRate(app, options.rateLimit, keys);
  app.addHook('onRequest', async (request) => {
    if (keys.length > 0 && !isPublic(request)) checkKey(request, keys);
  });
}

/** The headers that every answer carries; the page runs its own scripts and calls nobody else. */
export function secureHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
  });
}

/**
 * DNS rebinding makes a browser call this server under a name of the attacker's. Addresses and the
 * machine's own names are what people use; a socket has no names.
 */
function checkHost({ socket, headers, raw }: FastifyRequest, allowedHosts: string[]): void {
  if (socket.remoteAddress === undefined) return;
  const hosts = raw.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1)
    throw new ApiError('the request has more than one Host header; send one', { status: 400 });
  for (const host of [headers.host ?? '', ...hostOfUrl(raw.url ?? '')]) {
    const name = hostName(host);
    if (name !== null && (isIP(name) !== 0 || isOwnName(name) || allowedHosts.includes(name)))
      continue;
    throw new ApiError(
      `hearth does not answer under the name "${host}"; use its address, or start it with --allow-host`,
      { status: 403, code: 'host_not_allowed' },
    );
  }
}

/** An absolute URL has a host of its own, which counts more than the header (RFC 9112, 3.2.2). */
function hostOfUrl(url: string): string[] {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url);
  return match ? [match[1] ?? ''] : [];
}

/** `[::1]:8080` as `::1`, `Localhost:8080` as `localhost`. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:@/\s]+))(?::\d{1,5})?$/i.exec(host);
  return match ? (match[1] ?? match[2] ?? '').toLowerCase().replace(/\.$/, '') : null;
}

function isOwnName(name: string): boolean {
  const own = hostname().toLowerCase();
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === own || name === `${own}.local`
  );
}

async function allowOrigins(app: FastifyInstance, origins: string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(import('@fastify/cors'), {
    origin: origins.includes('*') ? '*' : origins,
    methods: ['GET', 'POST'],
    exposedHeaders: ['retry-after', 'x-hearth-skipped-tools'],
    maxAge: 600,
  });
  // What cors lets a page read, this header would forbid again.
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cross-origin-resource-policy', 'cross-origin');
  });
}

function isPublic(request: FastifyRequest): boolean {
  return PUBLIC_PATHS.test(request.url.split('?', 1)[0] ?? '') && request.method !== 'POST';
}

function checkKey(request: FastifyRequest, keys: Buffer[]): void {
  if (knownKey(request, keys)) return;
  const what = bearer(request) === null ? 'no API key given' : 'wrong API key';
  throw new ApiError(`${what}; send the header "Authorization: Bearer KEY" or "x-api-key: KEY"`, {
    status: 401,
    code: 'invalid_api_key',
  });
}

/** In constant time: digests have one length, and every key is compared. */
function knownKey(request: FastifyRequest, keys: Buffer[]): Buffer | null {
  const given = digest(bearer(request) ?? '');
  const matches = keys.map((key) => timingSafeEqual(key, given));
  return keys[matches.indexOf(true)] ?? null;
}

/** Anthropic's clients have a header of their own. */
function bearer({ headers }: FastifyRequest): string | null {
  const named = headers['x-api-key'];
  const bearing = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1]?.trim() ?? null;
  return bearing ?? (typeof named === 'string' ? named.trim() : null);
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

async function limitRate(app: FastifyInstance, max: number, keys: Buffer[]): Promise<void> {
  await app.register(import('@fastify/rate-limit'), {
    global: false,
    max,
    timeWindow: MINUTE_MS,
    allowList: isPublic,
    // A key that is none would make everyone as many callers as they like.
    keyGenerator: (request) =>
      knownKey(request, keys)?.toString('base64') ?? request.ip ?? 'socket',
    errorResponseBuilder: (_request, { max, ttl }) =>
      new ApiError(`more than ${max} requests a minute; try again later`, {
        status: 429,
        code: 'rate_limit_exceeded',
        retryAfterS: Math.ceil(ttl / 1000),
      }),
  });
  app.addHook('onRequest', app.rateLimit());
}
