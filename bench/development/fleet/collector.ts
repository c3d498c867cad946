// A small OpenTelemetry collector that counts: OTLP over HTTP in, sums out, and faults when asked to.
// It reads the protocol by its published field numbers, not by the packages that wrote it, and takes
// deltas as the collector's deltatocumulative processor does: a point that is not newer than its
// stream is dropped.
import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';

/** What it does with the next requests: answer a status, or take them and then fail to say so. */
export type Fault =
  | { kind: 'status'; status: number; type?: string; body?: string; headers?: object }
  | { kind: 'lost-reply' | 'silence' | 'flood' };

export type MetricPoint = {
  metric: string;
  unit: string;
  resource: Record<string, string>;
  attributes: Record<string, string>;
  startMs: number;
  endMs: number;
  /** Of a histogram; 1 of a counter or a gauge. */
  count: number;
  /** The value of a counter or a gauge. */
  sum: number;
  bounds: number[];
  /** Only a delta is added up. */
  isDelta: boolean;
};

export type Collector = {
  readonly url: string;
  /** Each request that it took, with what is in it; sent again or not. */
  readonly taken: MetricPoint[][];
  readonly headers: http.IncomingHttpHeaders[];
  /** Points that were dropped as not newer than their stream. */
  readonly dropped: number;
  fault: Fault | null;
  /** Requests by now, refused ones included. */
  readonly requests: number;
  /** What a metric counted: the sum of a counter, the observations of a histogram. */
  total(metric: string, attributes?: Record<string, string>): number;
  close(): Promise<void>;
};

/** Port 0 is any free one. */
export async function startCollector(port = 0): Promise<Collector> {
  const state = new State();
  const server = http.createServer((request, response) => {
    void buffer(request).then((body) => state.answer(body, request, response));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return Object.assign(state, { url: `http://127.0.0.1:${taken}`, close });
}

const FLOOD_BYTES = 100e6;
const FLOOD_CHUNK = Buffer.alloc(1 << 20, ' ');

class State {
  readonly taken: MetricPoint[][] = [];
  readonly headers: http.IncomingHttpHeaders[] = [];
  fault: Fault | null = null;
  requests = 0;
  dropped = 0;
  readonly #streams = new Map<
    string,
    { endMs: number; count: number; sum: number; point: MetricPoint }
  >();

  total(metric: string, attributes: Record<string, string> = {}): number {
    const wanted = Object.entries(attributes);
    const streams = [...this.#streams.values()].filter(
      ({ point }) =>
        point.metric === metric &&
        wanted.every(([name, value]) => point.attributes[name] === value),
    );
    return streams.reduce(
      (all, { count, sum, point }) => all + (point.bounds.length > 0 ? count : sum),
      0,
    );
  }

  answer(body: Buffer, { url, headers }: http.IncomingMessage, response: ServerResponse): void {
    this.requests++;
    const { fault } = this;
    if (url !== '/v1/metrics') return void response.writeHead(404).end('no such page');
    if (fault?.kind === 'status') {
      const { status, type = 'text/plain', body = 'no', headers } = fault;
      return void response.writeHead(status, { 'content-type': type, ...headers }).end(body);
    }
    this.headers.push(headers);
    this.#take(pointsOf(body));
    if (fault?.kind === 'lost-reply') response.destroy();
    else if (fault?.kind === 'flood') flood(response);
    else if (fault?.kind !== 'silence')
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }

  #take(points: MetricPoint[]): void {
    this.taken.push(points);
    for (const point of points) {
      const key = JSON.stringify([point.metric, point.resource, point.attributes]);
      const before = this.#streams.get(key);
      if (before && point.endMs <= before.endMs) this.dropped++;
      else
        this.#streams.set(key, {
          point,
          endMs: point.endMs,
          count: point.count + (before?.count ?? 0),
          sum: point.sum + (point.isDelta ? (before?.sum ?? 0) : 0),
        });
    }
  }
}

/** As long as somebody reads. */
function flood(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' });
  let sent = 0;
  const more = () => {
    while (sent < FLOOD_BYTES && !response.destroyed) {
      sent += FLOOD_CHUNK.length;
      if (!response.write(FLOOD_CHUNK)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

/** opentelemetry-proto, the part of it that is read here. */
const PROTO = `
syntax = "proto3";
message Request { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
message Gauge { repeated Number data_points = 1; }
message Sum { repeated Number data_points = 1; int32 aggregation_temporality = 2; }
message Histogram { repeated Bucketed data_points = 1; int32 aggregation_temporality = 2; }
message Number {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  double as_double = 4; sfixed64 as_int = 6; repeated KeyValue attributes = 7;
}
message Bucketed {
  fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5;
  repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated KeyValue attributes = 9;
}`;

const Request = protobuf.parse(PROTO).root.lookupType('Request');
const DELTA = 1;

type KeyValue = { key: string; value?: { stringValue?: string } };
type DataPoint = {
  startTimeUnixNano: string;
  timeUnixNano: string;
  attributes?: KeyValue[];
  asDouble?: number;
  asInt?: string;
  count?: string;
  sum?: number;
  explicitBounds?: number[];
};
type Data = { dataPoints?: DataPoint[]; aggregationTemporality?: number };
type Metric = { name: string; unit: string; gauge?: Data; sum?: Data; histogram?: Data };
type Decoded = {
  resourceMetrics?: {
    resource?: { attributes?: KeyValue[] };
    scopeMetrics?: { metrics?: Metric[] }[];
  }[];
};

function pointsOf(body: Buffer): MetricPoint[] {
  const options = { longs: String };
  const decoded = Request.toObject(Request.decode(body), options) as Decoded;
  return (decoded.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics.flatMap(({ metrics = [] }) =>
      metrics.flatMap((metric) => metricPoints(metric, record(resource?.attributes))),
    ),
  );
}

function metricPoints(metric: Metric, resource: Record<string, string>): MetricPoint[] {
  const data = metric.histogram ?? metric.sum ?? metric.gauge ?? {};
  return (data.dataPoints ?? []).map((point) => ({
    metric: metric.name,
    unit: metric.unit,
    resource,
    attributes: record(point.attributes),
    startMs: Number(point.startTimeUnixNano) / 1e6,
    endMs: Number(point.timeUnixNano) / 1e6,
    count: metric.histogram ? Number(point.count ?? 0) : 1,
    sum: point.sum ?? point.asDouble ?? Number(point.asInt ?? 0),
    bounds: point.explicitBounds ?? [],
    isDelta: data.aggregationTemporality === DELTA,
  }));
}

function record(attributes: KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value?.stringValue ?? '']));
}
