// The loaded model at work: turns requests into answers and calls into results.
// Prompts are made while llama.cpp decodes on its own threads, or by a template's own process, so they
// cost nobody a token.
import { MachineLoad } from '../../../llama/machine-load.js';
import { nativeBindings } from '../../../llama/node-llama-internals.js';
import { TemplateBudget } from '../../../model/template/template-budget.js';
import type { TemplateProcess } from '../../../model/template/template-process.js';
import type { GenerateRequest, Memory, StopReason } from '../engine.js';
import { EngineError, failureOf } from '../engine-error.js';
import type { Call, CallResults } from '../engine-protocol.js';
import { AnswerClock, AnswerMemory, processMemory } from './answer-cost.js';
import { ControlTokens } from './control-tokens.js';
import { Decoder } from './decoder.js';
import { openEmbedder } from './embedder.js';
import { grammarState } from './grammar.js';
import type { LoadedEngine } from './load-model.js';
import { checkRequest, checkTokens } from './number-checks.js';
import type { Outbox } from './outbox.js';
import { probe } from './probe-decode.js';
import { buildPrompt, type PromptModel, promptLength, withBos } from './prompt.js';
import { PromptTemplate } from './prompt-template.js';
import { RunningAnswer } from './running-answer.js';
import { LogprobReader, SamplerPool, TokenChooser } from './sampling.js';
import { Scheduler } from './scheduler.js';
import { loadSession, saveSession } from './session-file.js';
import { openSpeculation, type Speculation } from './speculation.js';
import { TokenText } from './token-text.js';

export class ModelServer {
  readonly #loaded: LoadedEngine;
  readonly #outbox: Outbox;
  readonly #scheduler: Scheduler;
  readonly #speculation: Speculation | undefined;
  readonly #tokenText: TokenText;
  readonly #samplers: SamplerPool;
  readonly #promptModel: PromptModel;
  readonly #embed: ReturnType<typeof openEmbedder>;
  readonly #answers = new Map<number, RunningAnswer>();
  /** Requests whose answer is being made; aborted for a stop reason. */
  readonly #making = new Map<number, AbortController>();
  #template: PromptTemplate | undefined;
  #process: TemplateProcess | undefined;

  /** `process` was started for a stranger's chat template, while the model was loaded. */
  constructor(loaded: LoadedEngine, outbox: Outbox, process?: TemplateProcess) {
    const { native, info, threads, nBatch, swaSize } = loaded;
    this.#loaded = loaded;
    this.#outbox = outbox;
    this.#process = process;
    this.#tokenText = new TokenText(native.model);
    this.#samplers = new SamplerPool(native);
    this.#embed = openEmbedder(loaded.model, info);
    this.#promptModel = {
      native: native.model,
      nCtx: info.nCtx,
      nVocab: info.nVocab,
      bosTokenId: info.bosTokenId,
      template: () => this.#chatTemplate(),
    };
    const load = new MachineLoad();
    this.#speculation = openSpeculation(loaded.draft, load, (text) =>
      outbox.message({ kind: 'notice', text }),
    );
    this.#scheduler = new Scheduler({
      native,
      logprobs: new LogprobReader(native, this.#tokenText),
      decoder: new Decoder(native.context, threads, load),
      speculation: this.#speculation,
      parallel: info.parallel,
      nBatch,
      nCtx: info.nCtx,
      swaSize,
      onStep: () => outbox.flush(),
      onFailure: (answer, failure) => {
        this.#answers.delete(answer.id);
        outbox.message({ kind: 'answer-failed', id: answer.id, failure });
      },
    });
  }

  async generate(id: number, request: GenerateRequest): Promise<void> {
    const making = new AbortController();
    const { signal } = making;
    const clock = new AnswerClock();
    this.#making.set(id, making);
    try {
      const answer = await this.#makeAnswer(id, request, { clock, signal });
      this.#answers.set(id, answer);
      if (signal.aborted) answer.stop(signal.reason);
      this.#scheduler.add(answer);
    } catch (thrown) {
      if (signal.aborted) this.#endUnmade(id, signal.reason, clock);
      else {
        const failure = failureOf(thrown, 'internal');
        this.#outbox.message({ kind: 'answer-failed', id, failure });
      }
    } finally {
      this.#making.delete(id);
    }
  }

  /** What has ended already is not stopped any more. */
  stop(id: number, stopReason: StopReason): void {
    this.#answers.get(id)?.stop(stopReason);
    this.#making.get(id)?.abort(stopReason);
  }

  /** Frees what outlives this process's modules: the template's process. */
  close(): void {
    this.#process?.end();
    this.#template?.close();
  }

  /** Nothing of it was evaluated. */
  #endUnmade(id: number, stopReason: StopReason, clock: AnswerClock): void {
    const memory = new AnswerMemory(() => this.#deviceBytes(), { alone: false });
    this.#outbox.event(id, -1, {
      kind: 'end',
      stopReason,
      timings: clock.timings(0, 0),
      memory: memory.read(0, this.#loaded.info.nCtx),
    });
    this.#outbox.flush();
  }

  async #makeAnswer(
    id: number,
    request: GenerateRequest,
    { clock, signal }: { clock: AnswerClock; signal: AbortSignal },
  ): Promise<RunningAnswer> {
    const { llama, model, native, info } = this.#loaded;
    const speculation = this.#speculation;
    checkRequest(request, info.nVocab);
    const prompt = await buildPrompt(this.#promptModel, request, signal);
    const state = request.grammar && (await grammarState(llama, model, request.grammar));
    return new RunningAnswer({
      id,
      request,
      prompt,
      chooser: new TokenChooser(native, this.#samplers, request.sampling ?? {}, state),
      clock,
      tokenText: this.#tokenText,
      isEndOfGeneration: (tokenId) => native.model.isEogToken(tokenId),
      trimStart: request.input.kind === 'chat' && !request.input.continuesLast,
      nCtx: info.nCtx,
      device: () => this.#deviceBytes(),
      draftGain: speculation && (() => speculation.gain),
      emit: (slotId, event) => {
        this.#outbox.event(id, slotId, event);
        if (event.kind === 'end') this.#answers.delete(id);
      },
    });
  }

  /** As the driver counts, other programs included; some drivers count nothing. */
  #deviceBytes(): number | null {
    const { llama, native } = this.#loaded;
    if (llama.gpu === false) return null;
    const ownBytes =
      native.model.getMemoryBreakdown().gpuVram + native.context.getMemoryBreakdown().gpuVram;
    return Math.max(nativeBindings(llama).getGpuVramInfo().used, ownBytes);
  }

  call(call: Call): Promise<CallResults[keyof CallResults]> | CallResults[keyof CallResults] {
    const { native, info } = this.#loaded;
    switch (call.method) {
      case 'tokenize':
        return this.#tokenize(call);
      case 'detokenize':
        return this.#tokenText.join(checkTokens(call.tokenIds, info.nVocab), { special: true });
      case 'applyTemplate':
        return this.#chatTemplate().render(call.conversation, { budget: new TemplateBudget() });
      case 'countTokens':
        return promptLength(this.#promptModel, call.input);
      case 'embed':
        return this.#scheduler.exclusive(() => this.#embed(call.texts));
      case 'memory':
        return this.#memory();
      case 'probe':
        return probe(this.#scheduler, native, info.bosTokenId ?? 0);
      case 'saveSession':
        return this.#scheduler.exclusive(() => saveSession(this.#scheduler, native, call.path));
      case 'loadSession':
        return this.#scheduler.exclusive(() => loadSession(this.#scheduler, native, call.path));
      default:
        throw new Error(`unknown call ${JSON.stringify(call satisfies never)}`);
    }
  }

  #tokenize({
    text,
    special,
    addBos,
  }: Extract<Call, { method: 'tokenize' }>): CallResults['tokenize'] {
    const { native } = this.#loaded;
    const plain = Array.from(native.model.tokenize(text, special));
    const tokenIds = addBos ? withBos(this.#promptModel, plain) : plain;
    return tokenIds.map((tokenId) => ({
      tokenId,
      text: this.#tokenText.join([tokenId], { special: true }),
    }));
  }

  /** Made when first needed: reading the vocabulary's attributes takes a while. */
  #chatTemplate(): PromptTemplate {
    if (this.#template) return this.#template;
    const { native, info } = this.#loaded;
    if (info.chatTemplate === null)
      throw new EngineError({
        code: 'bad-request',
        message: `${info.modelName} has no chat template; send a plain text prompt, or convert the model with --chat-template`,
      });
    const text = (tokenId: number | null): string =>
      tokenId === null ? '' : native.model.getTokenString(tokenId);
    const special = { bosToken: text(info.bosTokenId), eosToken: text(info.eosTokenId) };
    const control = new ControlTokens(native.model, info.nVocab);
    const process = this.#process;
    this.#process = undefined;
    const source = info.chatTemplate;
    const variables = { enable_thinking: this.#loaded.thinks };
    this.#template = new PromptTemplate({ source, special, control, process, variables });
    return this.#template;
  }

  #memory(): Memory {
    const { info } = this.#loaded;
    const device = this.#deviceBytes();
    return {
      ...processMemory(),
      deviceBeforeBytes: device,
      devicePeakBytes: device,
      deviceAfterBytes: device,
      contextUsed: this.#scheduler.slots.reduce((sum, slot) => sum + slot.tokens.length, 0),
      nCtx: info.nCtx * info.parallel,
    };
  }
}
