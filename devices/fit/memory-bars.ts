// The memory of a fit as bars, each beginning where the one before ends, against what the device has.
// What reaches past the device is drawn in another shade, so that it is seen at once.
// Plain characters: it is pasted into issues and chats.
import { formatMemory } from '../../terminal/units.js';
import type { Fit } from './fit.js';

const WIDTH = 48;

type Part = { label: string; sizeBytes: number };

/** What lies in the device's memory, in the order in which it is taken. */
function memoryParts({ device, memory, marginBytes }: Fit): Part[] {
  const pools = memory.device === null || device.kind === 'shared' ? [memory.host] : [];
  const taken = [...(memory.device ? [memory.device] : []), ...pools];
  const sum = (pick: (parts: (typeof taken)[number]) => number) =>
    taken.reduce((total, parts) => total + pick(parts), 0);
  return [
    { label: 'system', sizeBytes: device.reservedBytes },
    { label: 'overhead', sizeBytes: sum(({ overheadBytes }) => overheadBytes) },
    { label: 'weights', sizeBytes: sum(({ weightsBytes }) => weightsBytes) },
    { label: 'KV cache', sizeBytes: sum(({ kvBytes }) => kvBytes) },
    { label: 'compute', sizeBytes: sum(({ computeBytes }) => computeBytes) },
    { label: 'margin', sizeBytes: marginBytes },
  ];
}

export function memoryBars(fit: Fit): string[] {
  const parts = memoryParts(fit);
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { memoryBytes } = fit.device;
  const perColumn = Math.max(total, memoryBytes) / WIDTH;
  const edge = Math.round(memoryBytes / perColumn);
  let end = 0;
  const rows = parts.map(({ label, sizeBytes }) => {
    const bar = draw(Math.round(end / perColumn), Math.round((end + sizeBytes) / perColumn), edge);
    end += sizeBytes;
    return row(label, bar, sizeBytes);
  });
  const rest = memoryBytes - total;
  const last = draw(Math.round(Math.min(total, memoryBytes) / perColumn), edge, edge, '·');
  return [...rows, rest >= 0 ? row('free', last, rest) : row('missing', '', -rest)];
}

function row(label: string, bar: string, sizeBytes: number): string {
  return `  ${label.padEnd(8)}  ${bar.padEnd(WIDTH)}  ${formatMemory(sizeBytes).padStart(9)}`;
}

function draw(start: number, end: number, edge: number, inside = '█'): string {
  return Array.from({ length: end }, (_, i) => {
    if (i < start) return ' ';
    return i < edge ? inside : '▒';
  }).join('');
}
