// Answers as OpenTelemetry metrics, by its conventions for generative AI: names, units, attributes and
// the bounds of histograms are theirs; what they have no name for is `hearth.*`.
// A meter provider for each batch: the SDK counts as it does everywhere, and nothing is carried over.
// The SDK's times are those of the export; a batch has its own.
import { hostname } from 'node:os';
import type { Attributes, Meter } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Interval } from './interval.js';
import type { UnsentAnswer } from './outbox.js';

/** As the conventions advise. */
const TTFT_BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const TOKEN_TIME_BOUNDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const DURATION_BOUNDS = Array.from({ length: 14 }, (_, i) => 0.01 * 2 ** i);
const TOKEN_COUNT_BOUNDS = Array.from({ length: 14 }, (_, i) => 4 ** i);

export type BatchOptions = {
  interval: Interval;
  /** Answers that were pruned before they could be in a batch, since the last one. */
  pruned: number;
};

/** An ExportMetricsServiceRequest. All answers are of one run. */
export async function encodeBatch(
  answers: readonly UnsentAnswer[],
  { interval, pruned }: BatchOptions,
): Promise<Uint8Array> {
  const reader = new DeltaReader();
  const provider = new MeterProvider({
    resource: resourceOf(answers[0], interval.instanceId),
    readers: [reader],
  });
  record(provider.getMeter('hearth', answers[0]?.hearth_version), answers, pruned);
  const { resourceMetrics, errors } = await reader.collect();
  await provider.shutdown();
  if (errors[0]) throw errors[0];
  const body = ProtobufMetricsSerializer.serializeRequest(within(resourceMetrics, interval));
  if (!body) throw new Error('OpenTelemetry made nothing of the batch');
  return body;
}

class DeltaReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win: a maker's own names for devices and sites. */
function resourceOf(answer: UnsentAnswer | undefined, instanceId: string): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'hearth',
        'service.version': answer?.hearth_version,
        'service.instance.id': instanceId,
        'host.name': hostname(),
        'host.cpu.model.name': answer?.cpu,
        'hearth.backend': answer?.backend ?? undefined,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}

function record(meter: Meter, answers: readonly UnsentAnswer[], pruned: number): void {
  const times = timeHistograms(meter);
  const usage = histogram(meter, 'gen_ai.client.token.usage', '{token}', TOKEN_COUNT_BOUNDS);
  const count = meter.createCounter('hearth.answers', { unit: '{answer}' });
  const cached = meter.createCounter('hearth.cached_tokens', { unit: '{token}' });
  for (const answer of answers) {
    const attributes = attributesOf(answer);
    const outcome = answer.error_code ?? answer.stop_reason ?? 'abort';
    count.add(1, { ...attributes, 'hearth.outcome': outcome });
    if (answer.cached_tokens) cached.add(answer.cached_tokens, attributes);
    for (const [type, tokens] of tokensOf(answer))
      usage.record(tokens, { ...attributes, 'gen_ai.token.type': type });
    recordTimes(times, answer, attributes);
  }
  recordMemory(meter, answers);
  if (pruned > 0) meter.createCounter('hearth.pruned_answers', { unit: '{answer}' }).add(pruned);
}

function timeHistograms(meter: Meter) {
  return {
    duration: histogram(meter, 'gen_ai.server.request.duration', 's', DURATION_BOUNDS),
    ttft: histogram(meter, 'gen_ai.server.time_to_first_token', 's', TTFT_BOUNDS),
    token: histogram(meter, 'gen_ai.server.time_per_output_token', 's', TOKEN_TIME_BOUNDS),
    queue: histogram(meter, 'hearth.queue.duration', 's', DURATION_BOUNDS),
  };
}

function histogram(meter: Meter, name: string, unit: string, explicitBucketBoundaries: number[]) {
  return meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries } });
}

/** Those of a token are of answers that did not fail, as the conventions have it. */
function recordTimes(
  { duration, ttft, token, queue }: ReturnType<typeof timeHistograms>,
  answer: UnsentAnswer,
  attributes: Attributes,
): void {
  const { total_ms, ttft_ms, queue_ms, generation_ms, generated_tokens, error_code } = answer;
  const failure = error_code === null ? {} : { 'error.type': error_code };
  if (total_ms !== null) duration.record(total_ms / 1000, { ...attributes, ...failure });
  if (error_code !== null) return;
  if (queue_ms !== null) queue.record(queue_ms / 1000, attributes);
  if (!generated_tokens) return;
  if (ttft_ms !== null) ttft.record(ttft_ms / 1000, attributes);
  const pauses = generated_tokens - 1;
  if (generation_ms !== null && pauses > 0) token.record(generation_ms / 1000 / pauses, attributes);
}

function attributesOf({ endpoint, model }: UnsentAnswer): Attributes {
  return {
    'gen_ai.operation.name': operationOf(endpoint),
    'gen_ai.provider.name': 'hearth',
    'gen_ai.request.model': model,
    'gen_ai.response.model': model,
  };
}

/** Everything but a plain prompt is a conversation. */
function operationOf(endpoint: string): string {
  if (endpoint.endsWith('/embeddings')) return 'embeddings';
  return endpoint.endsWith('/v1/completions') ? 'text_completion' : 'chat';
}

function tokensOf({ prompt_tokens, generated_tokens }: UnsentAnswer): [string, number][] {
  const all: [string, number | null][] = [
    ['input', prompt_tokens],
    ['output', generated_tokens],
  ];
  return all.filter((entry): entry is [string, number] => entry[1] !== null);
}

/** As the last answer left it, and the highest of all. */
function recordMemory(meter: Meter, answers: readonly UnsentAnswer[]): void {
  const known = (
    name: 'rss_bytes' | 'peak_rss_bytes' | 'device_after_bytes' | 'device_peak_bytes',
  ) => answers.flatMap((answer) => answer[name] ?? []);
  const gauges: [name: string, bytes: number | undefined][] = [
    ['hearth.memory.usage', known('rss_bytes').at(-1)],
    ['hearth.memory.peak', max(known('peak_rss_bytes'))],
    ['hearth.device_memory.usage', known('device_after_bytes').at(-1)],
    ['hearth.device_memory.peak', max(known('device_peak_bytes'))],
  ];
  for (const [name, bytes] of gauges)
    if (bytes !== undefined) meter.createGauge(name, { unit: 'By' }).record(bytes);
}

function max(values: number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

type HrTime = [seconds: number, nanoseconds: number];

function within(metrics: ResourceMetrics, { startMs, endMs }: Interval): ResourceMetrics {
  const times = { startTime: hrTime(startMs), endTime: hrTime(endMs) };
  const scopeMetrics = metrics.scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics.map((metric) => ({
      ...metric,
      dataPoints: metric.dataPoints.map((point) => ({ ...point, ...times })),
    })),
  }));
  return { ...metrics, scopeMetrics } as ResourceMetrics;
}

function hrTime(timeMs: number): HrTime {
  return [Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6];
}
