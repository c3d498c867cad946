// The server's application: every route, with the checks that come before and the errors after.
// It listens to nothing yet, so that what listens (a port, a socket, a test) is the caller's choice.
import { maxHeaderSize } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type AccessOptions, checkAccess, secureHeaders } from './access.js';
import { apiOf } from './answer-stream.js';
import { readJsonBodies } from './body.js';
import { chatCompletions } from './chat-completions.js';
import { completions } from './completions.js';
import { dashboard } from './dashboard.js';
import { embeddings } from './embeddings.js';
import { type HealthCheck, health } from './health.js';
import * as limits from './limits.js';
import { messages } from './messages.js';
import { models } from './models.js';
import { ollama } from './ollama.js';
import { ApiError, errorBody, toApiError } from './openai-error.js';
import { pages } from './pages.js';
import { responses } from './responses.js';
import type { Service } from './service.js';
import { type SetupOptions, setup } from './setup.js';
import { slots } from './slots.js';
import { tokens } from './tokens.js';

export type AppOptions = AccessOptions & {
  service: Service;
  healthCheck: HealthCheck;
  /** Of a device that nobody has set up yet; null elsewhere. */
  setup?: SetupOptions | null;
  /** Told of failures that nobody foresaw. */
  onError?: (error: unknown) => void;
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  /** Folder of the pages; default the package's own. */
  webFolder?: string;
};

export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { service, healthCheck } = options;
  const app = makeFastify(options);
  app.server.maxConnections = limits.MAX_CONNECTIONS;
  answerErrors(app, options.onError);
  readJsonBodies(app);
  secureHeaders(app);
  await checkAccess(app, options);
  health(app, healthCheck);
  service.metrics.register(app);
  for (const routes of ROUTES) routes(app, service);
  if (options.setup) setup(app, options.setup);
  await pages(app, options.webFolder);
  return app;
}

const ROUTES = [
  ...[chatCompletions, completions, messages, responses, ollama],
  ...[embeddings, models, tokens, slots, dashboard],
];

/** Clients differ in whether their base address ends in /v1. */
function withVersion({ url = '/' }: { url?: string | undefined }): string {
  return /^\/(?:chat\/completions|completions|embeddings|messages|models|responses)(?=[/?]|$)/.test(
    url,
  )
    ? `/v1${url}`
    : url;
}

function makeFastify({
  headersTimeoutMs = limits.HEADERS_TIMEOUT_MS,
  requestTimeoutMs = limits.REQUEST_TIMEOUT_MS,
}: AppOptions): FastifyInstance {
  return fastify({
    bodyLimit: limits.MAX_BODY_BYTES,
    rewriteUrl: withVersion,
    requestTimeout: requestTimeoutMs,
    http: {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(limits.TIMEOUT_CHECK_MS, headersTimeoutMs),
    },
    forceCloseConnections: 'idle',
    // A path that cannot be read comes before any hook.
    frameworkErrors: (error, request, reply) => sendError(request, reply, toApiError(error)),
    // Bodies are taken or refused as they are: nothing is cut, cast or filled in.
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        allowUnionTypes: true,
        strictRequired: false,
        strictTypes: false,
        // The schemas are ours: to check them and to shorten what is made of them takes longer, at
        // every start, than all that it could save.
        meta: false,
        validateSchema: false,
        code: { optimize: false },
      },
    },
    // What is no HTTP or comes too slowly still gets an answer in the API's form.
    clientErrorHandler: ({ code }, socket) => {
      if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      const { status, message } = CLIENT_ERRORS[code ?? ''] ?? NOT_HTTP;
      socket.end(rawAnswer(status, message));
    },
  });
}

type ClientError = { status: string; message: string };

const NOT_HTTP: ClientError = { status: '400 Bad Request', message: 'this is not HTTP' };
const CLIENT_ERRORS: Record<string, ClientError> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'the request came too slowly',
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Headers Too Large',
    message: `the headers are longer than ${maxHeaderSize} bytes; send less in them`,
  },
};

function rawAnswer(status: string, message: string): string {
  const failure = new ApiError(message, { status: Number(status.slice(0, 3)) });
  const body = JSON.stringify(errorBody(failure));
  const headers = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  return `HTTP/1.1 ${status}\r\n${headers}\r\nconnection: close\r\n\r\n${body}`;
}

function answerErrors(app: FastifyInstance, onError: AppOptions['onError']): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = toApiError(error);
    if (failure.status === 500) onError?.(error);
    return sendError(request, reply, failure);
  });
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const message = `there is no ${method} ${url.split('?', 1)[0]}`;
    return sendError(request, reply, new ApiError(message, { status: 404, code: 'not_found' }));
  });
}

function sendError(request: { url: string }, reply: FastifyReply, failure: ApiError): FastifyReply {
  const api = apiOf(request.url);
  if (failure.retryAfterS !== null) reply.header('retry-after', failure.retryAfterS);
  if (failure.status === 401) reply.header('www-authenticate', 'Bearer');
  // The rest of a body that is too large is not read; neither is another request after it.
  if (failure.status === 413) reply.header('connection', 'close');
  return reply.code(api.statuses?.[failure.status] ?? failure.status).send(api.errorBody(failure));
}
