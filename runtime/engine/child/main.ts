// The engine's child process: loads the model it is told to, then serves requests.
// Everything that can take the process down happens here, so that it takes down nothing else.

import { setTimeout } from 'node:timers/promises';
import { stayWithParent } from '../../../llama/orphan-watch.js';
import type { EngineOptions } from '../engine.js';
import { failureOf } from '../engine-error.js';
import type { FromChild, ToChild } from '../engine-protocol.js';
import type { ModelServer } from './model-server.js';
import { checkOptions } from './number-checks.js';
import { openLlama } from './open-llama.js';
import { Outbox } from './outbox.js';

const send = (message: FromChild): void => {
  process.send?.(message, undefined, undefined, () => {
    // A parent that is gone is noticed by stayWithParent.
  });
};
const outbox = new Outbox(send);
let server: ModelServer | undefined;

// The process that node-llama-cpp starts to try llama.cpp would inherit them, and start later.
process.execArgv = [];
stayWithParent(Number(process.argv[2]));
process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'load':
      void load(message.options);
      break;
    case 'generate':
      void server?.generate(message.id, message.request);
      break;
    case 'stop':
      server?.stop(message.id, message.stopReason);
      break;
    case 'ping':
      // Not by the outbox: what it says is only of the event loop.
      send({ kind: 'alive' });
      break;
    case 'call':
      void answerCall(message);
      break;
    default:
      throw new Error(`unknown message ${JSON.stringify(message satisfies never)}`);
  }
});

/** After this time node-llama-cpp has mostly started its process that tries llama.cpp. */
const TRIAL_START_MS = 20;

/** What reads the file and answers is imported while that process runs. */
async function load(options: EngineOptions): Promise<void> {
  try {
    checkOptions(options);
    const opening = openLlama(options, log);
    await setTimeout(TRIAL_START_MS);
    const [{ loadModel }, { ModelServer }, { TemplateProcess }, { isBuiltIn }] = await Promise.all([
      import('./load-model.js'),
      import('./model-server.js'),
      import('../../../model/template/template-process.js'),
      import('../../../model/template/built-in-template.js'),
    ]);
    let template: InstanceType<typeof TemplateProcess> | undefined;
    const loaded = await loadModel(opening, options, {
      onFile: (file, chatTemplate) => {
        send({ kind: 'file', file });
        // While llama.cpp reads weights: the first prompt need not wait for it.
        if (chatTemplate !== null && !isBuiltIn(chatTemplate)) template = new TemplateProcess();
      },
      onProgress: (progress) => send({ kind: 'progress', progress }),
    });
    server = new ModelServer(loaded, outbox, template);
    outbox.message({ kind: 'ready', info: loaded.info });
  } catch (thrown) {
    send({ kind: 'load-failed', failure: failureOf(thrown, 'load-failed') });
  }
}

let lines: string[] = [];

function log(line: string): void {
  if (lines.push(line) > 1) return;
  setImmediate(() => {
    send({ kind: 'log', lines });
    lines = [];
  });
}

async function answerCall({ id, call }: Extract<ToChild, { kind: 'call' }>): Promise<void> {
  try {
    if (!server) throw new Error('the model is not loaded');
    outbox.message({ kind: 'result', id, value: await server.call(call) });
  } catch (thrown) {
    outbox.message({ kind: 'call-failed', id, failure: failureOf(thrown, 'internal') });
  }
}
