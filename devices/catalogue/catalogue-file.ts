// One file of devices: JSON with a schema, where every figure has its unit and its source.
// hearth's own file and those of users are read alike, so that a user's mistake is named as ours is.
import { readFile } from 'node:fs/promises';
import { parseJson } from '../../terminal/parse-json.js';
import type { Device } from './device.js';
import schema from './devices.schema.json' with { type: 'json' };

/** A figure as the file has it. */
export type SourcedFigure = {
  readonly value: number;
  readonly unit: string;
  /** Address of the page that says so, or `measured`. */
  readonly source: string;
  readonly note?: string;
};

/** A device as the file has it. */
export type CatalogueEntry = Pick<Device, 'id' | 'name' | 'kind' | 'backend'> & {
  readonly memory: SourcedFigure;
  readonly reserved: SourcedFigure;
  readonly bandwidth: SourcedFigure;
  readonly compute: SourcedFigure;
};

/** Thrown for a file of devices that cannot be read; the message says where and what to write. */
export class CatalogueError extends Error {
  readonly code = 'HEARTH_CATALOGUE';

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
  }
}

/** The devices of a file. Rejects with {@link CatalogueError}. */
export async function readCatalogueFile(file: string): Promise<CatalogueEntry[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CatalogueError(file, `cannot be read: ${cause.message}`, { cause });
  });
  return await checkCatalogue(parse(text, file), file);
}

async function checkCatalogue(content: unknown, file: string): Promise<CatalogueEntry[]> {
  const { findMistake } = await import('../../terminal/schema-mistake.js');
  const mistake = findMistake(schema, content);
  if (mistake !== null) throw new CatalogueError(file, withId(mistake, content));
  const { devices } = content as { devices: CatalogueEntry[] };
  for (const [i, entry] of devices.entries()) checkEntry(entry, devices.slice(0, i), file);
  return devices;
}

/** The plain figures of an entry, in bytes and operations a second. */
export function toDevice(entry: CatalogueEntry): Device {
  const { id, name, kind, backend, memory, reserved, bandwidth, compute } = entry;
  return {
    id,
    name,
    kind,
    backend,
    memoryBytes: inBaseUnit(memory),
    reservedBytes: inBaseUnit(reserved),
    bandwidthBytesPerSecond: inBaseUnit(bandwidth),
    computeFlops: inBaseUnit(compute),
  };
}

function parse(text: string, file: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new CatalogueError(file, `is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** What no schema says. */
function checkEntry(entry: CatalogueEntry, before: CatalogueEntry[], file: string): void {
  const { id, memory, reserved } = entry;
  if (before.some((other) => other.id === id))
    throw new CatalogueError(file, `has two devices with the id "${id}"`);
  if (inBaseUnit(reserved) >= inBaseUnit(memory))
    throw new CatalogueError(
      file,
      `"${id}" keeps ${reserved.value} ${reserved.unit} of its ${memory.value} ${memory.unit}; nothing is left for a model`,
    );
}

/** Names the device beside its place in the list. */
function withId(mistake: string, content: unknown): string {
  return mistake.replace(/^the file\.devices\[(\d+)\]/, (place, i) => {
    const id = (content as { devices: { id?: unknown }[] }).devices[Number(i)]?.id;
    const name = typeof id === 'string' ? ` (${JSON.stringify(id)})` : '';
    return `${place.slice('the file.'.length)}${name}`;
  });
}

const UNITS: Readonly<Record<string, number>> = {
  GiB: 2 ** 30,
  MiB: 2 ** 20,
  'GB/s': 1e9,
  TFLOPS: 1e12,
  GFLOPS: 1e9,
};

function inBaseUnit({ value, unit }: SourcedFigure): number {
  return Math.round(value * (UNITS[unit] as number));
}
