// A server that sends the built pages and answers as a test wants it to.
// A real model cannot be made to write hostile Markdown, or to break off at a given word; what the
// pages do then is tested with this. It speaks the HTTP contract of `hearth serve` and no more.
// Every reply carries the strictest policy under which the pages must work.

import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { DashboardApi } from '../../runtime/server/dashboard-contract.js';
import { packageRoot } from './samples.js';

export type CompletionBody = {
  messages: { role: string; content: string }[];
  [field: string]: unknown;
};

export type Reply =
  | {
      text: string;
      /** Between two words. */
      pauseMs?: number;
      finishReason?: string;
      droppedTurns?: number;
      /** How it ends: with `[DONE]`, an error event, or a closed connection. */
      end?: 'done' | 'error' | 'cut';
      /** What the end waits for: a browser drops what it has not yet read of a connection that is cut. */
      beforeEnd?: Promise<unknown>;
    }
  | { status: number; message: string; code?: string; retryAfterS?: number };

export type DashboardAnswers = {
  [P in keyof DashboardApi]: (query: DashboardApi[P]['query']) => DashboardApi[P]['answer'];
};

export type ScriptedServer = {
  readonly url: string;
  /** Bodies of the completions that were asked for. */
  readonly requests: CompletionBody[];
  reply: (body: CompletionBody) => Reply;
  key: string | null;
  modelName: string;
  /** Further ones, of which none is loaded. */
  otherModels: string[];
  health: { status: number; body: unknown };
  dashboard: DashboardAnswers | null;
  /** Answers whose reader went away before the end. */
  stopped: number;
  close(): Promise<void>;
};

const DEFAULTS = { temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, repeat_penalty: 1 };
const POLICY = "default-src 'self'";

type Teardown = { teardown(run: () => Promise<void>): void };

/** Listens on a free port until the test `t` ends. */
export async function startScriptedServer(t: Teardown): Promise<ScriptedServer> {
  const app = fastify({ forceCloseConnections: true });
  const server: ScriptedServer = {
    url: '',
    requests: [],
    reply: () => ({ text: 'Hello there.' }),
    key: null,
    modelName: 'appliance-pruned-20',
    otherModels: [],
    health: { status: 200, body: { status: 'ok' } },
    dashboard: null,
    stopped: 0,
    close: () => app.close(),
  };
  addPages(app);
  addApi(app, server);
  addDashboard(app, server);
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());
  return Object.assign(server, { url: `${origin}/` });
}

function addPages(app: FastifyInstance): void {
  app.register(fastifyStatic, { root: path.join(packageRoot, 'dist/runtime/web'), index: false });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', POLICY);
  });
  app.get('/', (_request, reply) => reply.sendFile('index.html'));
  app.get('/dashboard', (_request, reply) => reply.sendFile('dashboard.html'));
}

function addApi(app: FastifyInstance, server: ScriptedServer): void {
  app.addHook('onRequest', async (request, reply) => {
    const isOpen = !/^\/(v1|api)\//.test(request.url) || server.key === null;
    if (isOpen || request.headers.authorization === `Bearer ${server.key}`) return;
    return sendError(reply, { status: 401, message: 'wrong API key', code: 'invalid_api_key' });
  });
  app.get('/health', (_request, reply) =>
    reply.code(server.health.status).send(server.health.body),
  );
  app.get('/v1/models', () => {
    const names = [server.modelName, ...server.otherModels];
    const data = names.map((id, i) => ({ id, hearth: { loaded: i === 0 } }));
    return { object: 'list', data };
  });
  app.get('/props', () => ({ default_generation_settings: { params: DEFAULTS } }));
  app.post('/v1/chat/completions', async (request, reply) => {
    const body = request.body as CompletionBody;
    server.requests.push(body);
    const answer = server.reply(body);
    if ('status' in answer) return sendError(reply, answer);
    await sendAnswer(reply, answer, server);
    return reply;
  });
}

function addDashboard(app: FastifyInstance, server: ScriptedServer): void {
  app.get('/api/dashboard/:name', (request, reply) => {
    const answer = server.dashboard?.[request.url.split('?')[0] as keyof DashboardApi];
    if (answer) return reply.send(answer(request.query as never));
    const message = 'hearth runs with --no-log, so there is nothing to show';
    return sendError(reply, { status: 404, message, code: 'no_log' });
  });
}

function sendError(reply: FastifyReply, error: Extract<Reply, { status: number }>) {
  const { status, message, code = null, retryAfterS } = error;
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS);
  return reply.code(status).send({ error: { message, type: 'server_error', param: null, code } });
}

async function sendAnswer(
  reply: FastifyReply,
  { text, pauseMs = 0, ...answer }: Extract<Reply, { text: string }>,
  server: ScriptedServer,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'content-security-policy': POLICY });
  const send = (event: object) => raw.write(`data: ${JSON.stringify(event)}\n\n`);
  const words = text.match(/\s*\S+\s*|\s+/g) ?? [];
  for (const content of words) {
    if (raw.destroyed) break;
    send({ model: server.modelName, choices: [{ index: 0, delta: { content } }] });
    await pause(pauseMs);
  }
  await answer.beforeEnd;
  if (raw.destroyed) server.stopped++;
  else if (answer.end === 'cut') raw.destroy();
  else if (answer.end === 'error') raw.end(`data: ${JSON.stringify(BROKEN)}\n\n`);
  else {
    send({ choices: [{ index: 0, delta: {}, finish_reason: answer.finishReason ?? 'stop' }] });
    send(lastEvent(words.length, answer.droppedTurns ?? 0));
    raw.end('data: [DONE]\n\n');
  }
}

const BROKEN = {
  error: { message: 'the engine was killed (SIGKILL) while it answered', code: 'engine_died' },
};

function lastEvent(generated: number, droppedTurns: number) {
  return {
    choices: [],
    usage: { prompt_tokens: 182, completion_tokens: generated, total_tokens: 182 + generated },
    timings: {
      ...{ prompt_n: 60, prompt_ms: 210, cache_n: 122, ttft_ms: 312, queue_ms: 1 },
      ...{ predicted_n: generated, predicted_ms: generated * 25 },
    },
    hearth: {
      memory: { context_used: 300, n_ctx: 2048, peak_rss_bytes: 2 ** 29, device_peak_bytes: null },
      dropped_turns: droppedTurns,
      dropped_tokens: droppedTurns * 100,
    },
  };
}
