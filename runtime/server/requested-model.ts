// The model of a request: found by its name, loaded if need be, and held until the reply is over.
// With one model there is no other to be meant, so that any name is taken: clients come with fixed ones.
import type { FastifyReply } from 'fastify';
import { rowError } from '../log/answer-record.js';
import type { ModelUse } from '../models/model-use.js';
import type { ServedModel } from '../models/served-model.js';
import { ModelDeadlineError } from '../models/waiting-line.js';
import { ApiError, badRequest, deadlinePassed, shuttingDown } from './openai-error.js';
import type { Service, UnderWay } from './service.js';

export type RequestedModel = Omit<ModelUse, 'release'> & {
  /** Aborted when the client goes, or a shutdown cuts the answer. */
  underWay: UnderWay;
};

export type ModelRequest = {
  /** As the request names it. */
  name: string | null | undefined;
  /** For the log's row; null for what is no answer. */
  endpoint: string | null;
};

/** Throws {@link ApiError} for a name that is none, and for a model that did not come in time. */
export async function useModel(
  service: Service,
  reply: FastifyReply,
  { name, endpoint }: ModelRequest,
): Promise<RequestedModel> {
  const { deadlineMs, models } = service;
  const model = findModel(service, name);
  const underWay = followUntilGone(service, reply);
  const { signal } = underWay.abort;
  const startedAtMs = Date.now();
  try {
    const { release, ...use } = await models.use(model, { signal, deadlineMs });
    reply.raw.once('close', release);
    if (reply.raw.closed) release();
    return { ...use, underWay };
  } catch (error) {
    const { row, shown } = leftEarly(error, signal);
    const queueMs = Date.now() - startedAtMs;
    const timings = { queueMs, ttftMs: queueMs, totalMs: queueMs };
    if (endpoint !== null) model.record({ startedAtMs, endpoint, timings, ...row });
    throw shown;
  }
}

/** As an answer that ends before its first token is told and logged. */
function leftEarly(error: unknown, signal: AbortSignal) {
  if (error instanceof ModelDeadlineError)
    return { row: { stopReason: 'deadline' as const }, shown: deadlinePassed() };
  if (signal.aborted) return { row: { stopReason: 'abort' as const }, shown: shuttingDown() };
  return { row: { error: rowError(error) }, shown: error };
}

/** Throws {@link ApiError} 404, which names those that there are; 400 where one of several must be named. */
export function findModel({ models }: Service, name: string | null | undefined): ServedModel {
  const [first, ...others] = models.models;
  if (first && others.length === 0) return first;
  const found = models.models.find(({ id }) => name === id || name === `${id}:latest`);
  if (found) return found;
  if (name === undefined || name === null)
    throw badRequest(
      `the field "model" is missing; there are ${namesOf(models.models)}`,
      'model',
      'missing_required_parameter',
    );
  throw noSuchModel(name, models.models);
}

/** In a body that is not checked yet. */
export function nameIn(body: unknown): string | undefined {
  const name = typeof body === 'object' && body !== null && Reflect.get(body, 'model');
  return typeof name === 'string' ? name : undefined;
}

export function noSuchModel(name: string, models: readonly ServedModel[]): ApiError {
  return new ApiError(`there is no model "${name}" here; hearth serves ${namesOf(models)}`, {
    status: 404,
    param: 'model',
    code: 'model_not_found',
  });
}

function namesOf(models: readonly ServedModel[]): string {
  return models.map(({ id }) => `"${id}"`).join(', ');
}

/** A client that hangs up stops its answers within a token, wherever they are. */
function followUntilGone(service: Service, reply: FastifyReply): UnderWay {
  const underWay: UnderWay = { abort: new AbortController(), hasBegun: false };
  service.underWay.add(underWay);
  const leave = () => {
    service.underWay.delete(underWay);
    underWay.abort.abort();
  };
  reply.raw.once('close', leave);
  if (reply.raw.closed) leave();
  return underWay;
}
