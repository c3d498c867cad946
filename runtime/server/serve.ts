// A server's whole life in this process: log, engine, listening, signals, and the end in order.
// The order matters: the port is had while the model still loads, and the log closes last.

import { noteAs } from '../../terminal/print.js';
import { hearthVersion } from '../../terminal/version.js';
import type { Engine, EngineInfo, EngineOptions } from '../engine/engine.js';
import { gpuNotUsed } from '../engine/engine-flags.js';
import { startEngine } from '../engine/restarting-engine.js';
import { type LogOptions, openLog } from '../log/answer-log.js';
import type { ModelPool } from '../models/model-pool.js';
import type { OtlpExport } from '../otlp/otlp-export.js';
import { type Notifier, openNotifier } from '../systemd/notify.js';
import type { HearthServer, ServerOptions } from './server.js';

const note = noteAs('serve');

export type ServeOptions = Omit<
  ServerOptions,
  'log' | 'keepText' | 'hearthVersion' | 'onWarning' | 'onChange' | 'onLoaded'
> & {
  log: LogOptions | null;
  /** Of the OpenTelemetry collector that the log's answers go to; null for none. */
  otlp: URL | null;
};

/** Serves until SIGTERM or SIGINT, then returns. Throws what stops it from starting. */
export async function serve({ log: logOptions, otlp, ...options }: ServeOptions): Promise<void> {
  const { stop, hurry } = stopSignals();
  const systemd = await openNotifier();
  const log = logOptions && openLog({ ...logOptions, onWarning: warn });
  const [only, ...others] = options.models;
  const engine =
    only && others.length === 0 ? startEngine(only.settings, { onNotice: note }) : null;
  let otlpExport: OtlpExport | null = null;
  try {
    if (engine) await firstReport(engine);
    const { startServer } = await import('./server.js');
    const keepText = logOptions?.logText ?? false;
    const models = only && engine ? [{ ...only, engine }] : options.models;
    const server = await startServer({
      ...{ ...options, models, log, keepText, hearthVersion: hearthVersion() },
      ...{ onWarning: warn, onChange: note, onLoaded },
    });
    const what = engine ? `loading ${only?.settings.modelPath}` : `with ${models.length} models`;
    note(`listening on ${server.address}, ${what}`);
    try {
      if (!engine) await foresee(server.models);
      await server.models.ready({ signal: stop });
      note(`ready on ${server.address}`);
      if (otlp && log) otlpExport = await startExport(otlp, log.path);
      await whileRunning(server, systemd, stop);
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      systemd?.send('STOPPING=1');
      await server.close({ hurry });
    }
  } finally {
    await engine?.close();
    await otlpExport?.close();
    await log?.close();
    systemd?.close();
  }
}

/** What will not fit is said before anybody asks for it. */
async function foresee(models: ModelPool): Promise<void> {
  for (const { model, failure } of await models.plan())
    warn(`"${model.id}" cannot be loaded: ${failure.message}`);
}

function onLoaded(settings: EngineOptions, info: EngineInfo): void {
  const warning = gpuNotUsed(settings, info);
  if (warning) warn(warning);
  if (info.draft) note(`"${info.draft.modelName}" drafts for "${info.modelName}"`);
}

/** OpenTelemetry's packages are loaded here and nowhere else: they take memory of a small device. */
async function startExport(url: URL, logPath: string): Promise<OtlpExport> {
  const { OtlpExport } = await import('../otlp/otlp-export.js');
  return new OtlpExport({ url, logPath, onWarning: warn });
}

/**
 * Resolves when the engine has read the model's header, or cannot. Processes that import modules at
 * once hold each other up, and what the engine does is most of the start: the server's come second.
 */
function firstReport(engine: Engine): Promise<void> {
  return new Promise((resolve) => {
    const stopListening = engine.onState(() => {
      stopListening();
      resolve();
    });
  });
}

/** The first signal ends in order, a second one cuts answers short, a third one ends at once. */
function stopSignals(): { stop: AbortSignal; hurry: AbortSignal } {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      if (hurry.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
      (stop.signal.aborted ? hurry : stop).abort();
    });
  return { stop: stop.signal, hurry: hurry.signal };
}

/** systemd hears a heartbeat only while the engine decodes tokens, or is on its way to. */
async function whileRunning(
  { health }: HearthServer,
  systemd: Notifier | null,
  stop: AbortSignal,
): Promise<void> {
  systemd?.send('READY=1\nSTATUS=answering');
  const beat = async () => {
    const found = await health.check({ isRecorded: false });
    if (found === null || found.isLoading) systemd?.send('WATCHDOG=1');
    else warn(found.failure.message);
  };
  const watchdogMs = systemd?.watchdogMs;
  // Often enough that one beat may be late: a board may evaluate a part of a prompt for so long.
  const timer = watchdogMs ? setInterval(() => void beat().catch(warnOf), watchdogMs / 4) : null;
  if (!stop.aborted)
    await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  if (timer) clearInterval(timer);
}

function warn(message: string): void {
  note(`warning: ${message}`);
}

function warnOf(error: Error): void {
  warn(error.message);
}
