// The one route that every API's answers take: check the fields, find the model, start the answers, tell
// their events.
// What differs is a file for each endpoint: its schema, how its fields become the engine's request, and the
// form of what it sends. An answer as a stream and one as a whole are told from the same events, so that
// they cannot differ.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { GenerateRequest } from '../engine/engine.js';
import { type Api, sendParts } from './answer-stream.js';
import { type ChoiceEvent, startAnswers } from './answers.js';
import { type RequestedModel, useModel } from './requested-model.js';
import type { Service } from './service.js';

/** An answer in the form of its API. */
export type AnswerForm = {
  /** What is sent before the first event, at each, and after the last. */
  opening(): object[];
  add(event: ChoiceEvent): object[];
  closing(): object[];
  /** Instead of all these, where it is not streamed. */
  whole(): object;
};

export type Reading = {
  requests: GenerateRequest[];
  isStreamed: boolean;
  form: AnswerForm;
};

/** Every API has a field for the model's name. */
type Named = { model?: string | null | undefined };

export type CompletionKind<Fields extends Named> = {
  api: Api;
  path: string;
  schema: object;
  /** Takes away what asks for nothing, and names what it takes that changes nothing here. Throws ApiError. */
  prepare: (body: unknown) => string[];
  /** Throws ApiError. */
  read: (
    fields: Fields,
    context: { model: RequestedModel; ignored: string[]; reply: FastifyReply },
  ) => Reading | Promise<Reading>;
};

export function completionRoute<Fields extends Named>(
  app: FastifyInstance,
  service: Service,
  { api, path, schema, prepare, read }: CompletionKind<Fields>,
): void {
  const ignored = new WeakMap<object, string[]>();
  app.post(path, {
    schema: { body: schema },
    preValidation: async (request) => {
      ignored.set(request, prepare(request.body));
    },
    handler: async (request, reply) => {
      const fields = request.body as Fields;
      const model = await useModel(service, reply, { name: fields.model, endpoint: path });
      const told = { model, reply, ignored: ignored.get(request) ?? [] };
      const { requests, isStreamed, form } = await read(fields, told);
      const events = await startAnswers(service, model, requests, path);
      if (isStreamed) return sendParts(reply, api, parts(form, events));
      for await (const event of events) form.add(event);
      return form.whole();
    },
  });
}

async function* parts(
  form: AnswerForm,
  events: AsyncIterable<ChoiceEvent>,
): AsyncGenerator<object> {
  yield* form.opening();
  for await (const event of events) yield* form.add(event);
  yield* form.closing();
}
