// prom-client by its files: its index also brings metrics of the process, and with them 44 modules of
// OpenTelemetry, which is for those who ask for --otlp.
import { createRequire } from 'node:module';
import type * as Client from 'prom-client';

const require = createRequire(import.meta.url);

export const prometheus = {
  Counter: load('Counter'),
  Gauge: load('Gauge'),
  Histogram: load('Histogram'),
  Registry: load('Registry'),
};

function load<Name extends keyof typeof Client>(name: Name): (typeof Client)[Name] {
  return require(`prom-client/lib/${name.toLowerCase()}.js`);
}
