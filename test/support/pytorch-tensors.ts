// The numbers that make.py of fixtures/pruned stored for a model: one file of float32, and where each name lies in it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fixtures } from './samples.js';

/** `gqa`, `statistics` */
export function readPytorchTensors(model: string, name: string): Map<string, Float32Array> {
  const base = path.join(fixtures, 'pruned', model, 'reference', name);
  const values = new Float32Array(Uint8Array.from(readFileSync(`${base}.f32`)).buffer);
  const places = Object.entries(JSON.parse(readFileSync(`${base}.json`, 'utf8'))) as [
    string,
    { offset: number; length: number },
  ][];
  return new Map(
    places.map(([key, { offset, length }]) => [key, values.subarray(offset, offset + length)]),
  );
}
