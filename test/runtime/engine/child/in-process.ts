// The engine's two halves in one process: requests and the loaded model, with no channel between.
// What a test does on an event then happens before the next decode, so tokens can be counted.
// Shows nothing of restarts: there is no process to lose.

import { TemplateBudget } from '../../../../model/template/template-budget.js';
import { TemplateProcess } from '../../../../model/template/template-process.js';
import { loadModel } from '../../../../runtime/engine/child/load-model.js';
import { ModelServer } from '../../../../runtime/engine/child/model-server.js';
import { openLlama } from '../../../../runtime/engine/child/open-llama.js';
import { Outbox } from '../../../../runtime/engine/child/outbox.js';
import type { EngineOptions, GenerateEvent } from '../../../../runtime/engine/engine.js';
import type { FromChild, ToChild } from '../../../../runtime/engine/engine-protocol.js';
import { Requests } from '../../../../runtime/engine/requests.js';

type Heard = Extract<FromChild, { kind: 'events' }>['events'][number];

export async function inProcessEngine(modelPath: string, options: Partial<EngineOptions> = {}) {
  const asked = { modelPath, gpu: 'off', threads: 1, ...options } as const;
  const quiet = { onFile() {}, onProgress() {} };
  const loaded = await loadModel(
    openLlama(asked, () => {}),
    asked,
    quiet,
  );
  const { createSampler } = loaded.native;
  let samplersMade = 0;
  loaded.native.createSampler = () => {
    samplersMade++;
    return createSampler();
  };
  /** Every event, at the moment when the model made it. */
  const made: { event: GenerateEvent; atMs: number }[] = [];
  const outbox = new (class extends Outbox {
    override event(id: number, slotId: number, event: GenerateEvent): void {
      made.push({ event: { ...event }, atMs: performance.now() });
      super.event(id, slotId, event);
    }
  })((message) => receive(message));
  let server = new ModelServer(loaded, outbox);
  const requests = new Requests({
    maxQueue: 8,
    send: (message) => send(message),
    onAnswered() {},
    onStop() {},
    onStuck() {},
  });

  function send(message: ToChild): void {
    if (message.kind === 'generate') void server.generate(message.id, message.request);
    if (message.kind === 'stop') server.stop(message.id, message.stopReason);
  }

  function receive(message: FromChild): void {
    if (message.kind === 'events') message.events.forEach(pass);
    if (message.kind === 'answer-failed') requests.fail(message.id, message.failure);
  }

  function pass({ id, slotId, event }: Heard): void {
    requests.event(id, slotId, event);
  }

  requests.open(loaded.info.parallel);
  return {
    requests,
    made,
    info: loaded.info,
    samplersMade: () => samplersMade,
    /** As if the model had been loaded with it; nothing may be under way. */
    async useTemplate(chatTemplate: string) {
      server.close();
      const process = new TemplateProcess();
      await process.ask({ kind: 'parse', source: 'started' }, { budget: new TemplateBudget() });
      // The next one knows of no tokens in the cache.
      loaded.native.context.disposeSequence(0);
      server = new ModelServer(
        { ...loaded, info: { ...loaded.info, chatTemplate } },
        outbox,
        process,
      );
    },
    close: () => {
      server.close();
      return loaded.llama.dispose();
    },
  };
}

/** Tokens in what the model made so far. */
export function tokensOf(events: { event: GenerateEvent }[]): number {
  return events.reduce(
    (sum, { event }) => sum + (event.kind === 'token' ? event.tokenIds.length : 0),
    0,
  );
}
