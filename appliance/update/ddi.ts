// Direct Device Integration, the interface of Eclipse hawkBit for devices: what a server has assigned to
// this one, and what became of it. Source: https://eclipse.dev/hawkbit/rest-api/ddi/
// Servers are strangers: a reply is read up to a limit, a link to another server is not followed, and the
// token goes to none but the one it is for.
import { inOneLine } from '../../terminal/foreign-text.js';
import { parseJson } from '../../terminal/parse-json.js';
import { readStart } from '../../terminal/response-start.js';
import { UpdateError } from './update-error.js';

export type DdiServer = {
  /** with its tenant: https://hawkbit.example/DEFAULT */
  url: string;
  /** as the header has it: `GatewayToken …` of all devices, or `TargetToken …` of this one; null for none */
  authorization: string | null;
};

/** Addresses of what the server waits for; undefined for nothing. */
export type Tasks = Partial<
  Record<'configData' | 'deploymentBase' | 'cancelAction', string | undefined>
>;

export type Deployment = {
  id: string;
  /** false outside of the server's maintenance window, and where only a download is asked for */
  isNow: boolean;
  /** addresses of its RAUC bundles */
  bundles: string[];
};

/** As hawkBit calls the states that a device tells; `closed` ends the action. */
export type Feedback = { id: string; details: string } & (
  | { execution: 'proceeding' | 'rejected'; finished: 'none' }
  | { execution: 'closed'; finished: 'success' | 'failure' }
);

const TIMEOUT_MS = 30_000;
const MAX_REPLY_BYTES = 1 << 20;
/** hawkBit counts its actions; other servers name them. */
const ID = /^[\w.-]{1,64}$/;

const GONE = [404, 410];

type Json = Record<string, unknown>;

export class DdiClient {
  readonly #server: DdiServer;
  readonly #base: string;
  readonly #signal: AbortSignal | undefined;

  /** `device` is what the server knows this one by. */
  constructor(server: DdiServer, device: string, signal?: AbortSignal) {
    this.#server = server;
    this.#base = `${server.url.replace(/\/$/, '')}/controller/v1/${encodeURIComponent(device)}`;
    this.#signal = signal;
  }

  /** All of these reject with {@link UpdateError} where the server cannot be reached, or says something else. */
  async tasks(): Promise<Tasks> {
    const { _links: links } = await this.#ask('GET', this.#base);
    const names = ['configData', 'deploymentBase', 'cancelAction'] as const;
    return Object.fromEntries(names.map((name) => [name, hrefOf(links, name)]));
  }

  async tellAttributes(url: string, data: Record<string, string>): Promise<void> {
    await this.#ask('PUT', url, { mode: 'merge', data });
  }

  async deployment(url: string): Promise<Deployment> {
    const { id, deployment } = await this.#ask('GET', url);
    const { update, maintenanceWindow, chunks } = objectOf(deployment);
    const artifacts = listOf(chunks).flatMap((chunk) => listOf(objectOf(chunk)['artifacts']));
    const isNow = update !== 'skip' && maintenanceWindow !== 'unavailable';
    return { id: checkedId(id), isNow, bundles: artifacts.flatMap(bundleOf) };
  }

  /** Id of the cancellation, which feedback on it goes by, and of the action that is to be left. */
  async cancellation(url: string): Promise<{ id: string; stopId: string }> {
    const { id, cancelAction } = await this.#ask('GET', url);
    return { id: checkedId(id), stopId: checkedId(objectOf(cancelAction)['stopId']) };
  }

  async tell(about: 'deploymentBase' | 'cancelAction', feedback: Feedback): Promise<void> {
    const { id, execution, finished, details } = feedback;
    await this.#ask('POST', `${this.#base}/${about}/${encodeURIComponent(id)}/feedback`, {
      id,
      status: { execution, result: { finished }, details: [details] },
    });
  }

  /** Headers for a download, whose address may be another server's. */
  headersFor(url: string): Record<string, string> {
    const { authorization } = this.#server;
    return authorization !== null && this.#isOwn(url) ? { Authorization: authorization } : {};
  }

  #isOwn(url: string): boolean {
    return URL.canParse(url) && new URL(url).origin === new URL(this.#server.url).origin;
  }

  /** An empty object for an empty reply. */
  async #ask(method: 'GET' | 'PUT' | 'POST', url: string, body?: Json): Promise<Json> {
    if (!this.#isOwn(url))
      throw new UpdateError(
        `${this.#server.url} sends this device to ${inOneLine(url).slice(0, 200)}; check what hawkBit takes for its own address`,
      );
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, {
      method,
      headers: {
        ...this.headersFor(url),
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: this.#signal ? AbortSignal.any([timeout, this.#signal]) : timeout,
    }).catch((cause: Error) => {
      this.#signal?.throwIfAborted();
      throw new UpdateError(`${this.#server.url} cannot be reached: ${reasonOf(cause)}`);
    });
    const text = Buffer.from(await readStart(response, MAX_REPLY_BYTES)).toString();
    // Feedback on an action that was deleted since.
    if (method === 'POST' && GONE.includes(response.status)) return {};
    if (!response.ok) throw new UpdateError(refusal(this.#server, response.status));
    return this.#read(text, method === 'GET');
  }

  #read(text: string, isNeeded: boolean): Json {
    try {
      return objectOf(parseJson(text));
    } catch {
      if (!isNeeded) return {};
      throw new UpdateError(
        `${this.#server.url} does not answer as hawkBit does; pass its address with the tenant, such as https://hawkbit.example/DEFAULT`,
      );
    }
  }
}

function refusal({ url, authorization }: DdiServer, status: number): string {
  const advice: Record<number, string> = {
    401: authorization === null ? '; it wants a token' : '; it knows another token',
    404: '; is its address right, and the tenant in it?',
  };
  return `${url} answered ${status}${advice[status] ?? ''}`;
}

/** Node's fetch says why in the cause of its error. */
function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  return (error.cause instanceof Error ? error.cause : error).message;
}

/** HTTPS, where the server offers both. */
function bundleOf(artifact: unknown): string[] {
  const { filename, _links: links } = objectOf(artifact);
  const href = hrefOf(links, 'download') ?? hrefOf(links, 'download-http');
  if (href === undefined || !/^https?:/.test(href)) return [];
  return typeof filename === 'string' && filename.endsWith('.raucb') ? [href] : [];
}

function hrefOf(links: unknown, name: string): string | undefined {
  const { href } = objectOf(objectOf(links)[name]);
  return typeof href === 'string' ? href : undefined;
}

function checkedId(id: unknown): string {
  const text = String(id);
  if (ID.test(text)) return text;
  throw new UpdateError(`hawkBit names no action: ${inOneLine(text).slice(0, 80)}`);
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
