// Computes composed batches of one native context, by as many threads as are quickest at the moment.
// A model and the one that drafts for it have one each, as what is quickest differs.
import type { MachineLoad } from '../../../llama/machine-load.js';
import type { NativeContext } from '../../../llama/node-llama-internals.js';
import type { ThreadTuner } from '../../../llama/thread-tuner.js';

/** To know whether others want the cores may take 3 ms. */
const WORTH_WAITING_MS = 100;

export class Decoder {
  readonly #context: NativeContext;
  readonly #threads: ThreadTuner;
  readonly #load: MachineLoad;

  constructor(context: NativeContext, threads: ThreadTuner, load: MachineLoad) {
    this.#context = context;
    this.#threads = threads;
    this.#load = load;
  }

  /** The batch of `nTokens` that was composed. */
  async decode(nTokens: number): Promise<void> {
    const tuner = this.#threads;
    const mayWait = tuner.expectedMs(nTokens) > WORTH_WAITING_MS;
    // Those who pass a token on want a core for a moment, too, and may be seen each time.
    const isBusy = (await this.#load.isBusy({ mayWait })) && !tuner.hadItsCores();
    const threads = tuner.choose(nTokens, isBusy);
    this.#context.setThreads(threads);
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
    await this.#context.decodeBatch();
    const wallMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    tuner.record({ nTokens, threads, wallMs, cpuMs: (user + system) / 1000, isBusy });
  }
}
