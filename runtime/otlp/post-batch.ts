// Sends one batch to a collector by OTLP over HTTP, and says what its answer means for the batch.
// OpenTelemetry's own exporter tries again by itself and drops what it then could not send, which a
// batch that is kept on the disk must not be; and it reads an answer however large it is.
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { inOneLine } from '../../terminal/foreign-text.js';
import { readStart } from '../../terminal/response-start.js';

export type Reply =
  /** `complaint` of a collector that took it, but not all of it. */
  | { kind: 'taken'; complaint: string | null }
  /** Invalid in the eyes of a collector, which will not change by sending it again. */
  | { kind: 'refused'; reason: string }
  /** `retryAfterMs` as the collector asked for; null where it did not. */
  | { kind: 'failed'; reason: string; retryAfterMs: number | null };

export type PostOptions = {
  headers: Record<string, string>;
  timeoutMs: number;
  signal: AbortSignal;
};

const CONTENT_TYPE = 'application/x-protobuf';
/** What a collector says of a batch is a sentence; more is not read. */
const MAX_REPLY_BYTES = 64 * 1024;
const MAX_CHARS = 300;

export async function postBatch(
  url: string,
  body: Uint8Array,
  { headers, timeoutMs, signal }: PostOptions,
): Promise<Reply> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': CONTENT_TYPE },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([timeout, signal]),
    });
    // The status alone decides: a body that is too long, or never ends, changes nothing of it.
    return readReply(response, await readStart(response, MAX_REPLY_BYTES));
  } catch (error) {
    const reason = timeout.aborted ? `did not answer within ${timeoutMs / 1000} s` : why(error);
    return { kind: 'failed', reason, retryAfterMs: null };
  }
}

function readReply(response: Response, body: Uint8Array): Reply {
  const { status, headers } = response;
  if (response.ok) return { kind: 'taken', complaint: complaintOf(body) };
  const reason = `answered ${status}${words(body)}`;
  // OTLP: a batch that got 400 must not be sent again. Only a collector's word counts: what a web
  // server says at a wrong address is not about the batch.
  if (status === 400 && isOtlp(headers)) return { kind: 'refused', reason };
  return { kind: 'failed', reason, retryAfterMs: retryAfterMs(headers) };
}

function isOtlp(headers: Headers): boolean {
  return /^application\/(x-protobuf|json)\b/.test(headers.get('content-type') ?? '');
}

/** A partial success is final, too: what was rejected must not be sent again. */
function complaintOf(body: Uint8Array): string | null {
  try {
    const { partialSuccess } = ProtobufMetricsSerializer.deserializeResponse(body) ?? {};
    const { rejectedDataPoints = 0, errorMessage = '' } = partialSuccess ?? {};
    if (!rejectedDataPoints && !errorMessage) return null;
    return `${rejectedDataPoints} data points rejected: ${oneLine(errorMessage)}`;
  } catch {
    return null;
  }
}

/** What can be read of an error's body: a text, or the message within a protobuf status. */
function words(body: Uint8Array): string {
  const text = oneLine(Buffer.from(body).toString('utf8'));
  return text === '' ? '' : `: ${text}`;
}

function oneLine(text: string): string {
  return inOneLine(text.replaceAll('\uFFFD', '')).trim().slice(0, MAX_CHARS);
}

function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('retry-after') ?? '';
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now());
}

/** `fetch failed` says nothing; its cause does. */
function why(error: unknown): string {
  const { message, cause } = error as Error;
  return `cannot be reached: ${cause instanceof Error ? cause.message || `${cause}` : message}`;
}
