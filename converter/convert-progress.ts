// Progress of a long conversion: a bar on a terminal, a line every few seconds elsewhere.
// Throttled, as pieces finish a hundred times a second.
import { SingleBar } from 'cli-progress';
import { formatDisk } from '../devices/index.js';
import type { StreamProgress } from './stream/index.js';

const LINE_INTERVAL_MS = 5000;

export type ProgressDisplay = {
  update(progress: StreamProgress): void;
  /** Removes the bar; harmless when called again. */
  stop(): void;
};

/** A display on `stream`, which appears with its first update. */
export function showProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? showBar(stream) : printLines(stream);
}

function showBar(stream: NodeJS.WriteStream): ProgressDisplay {
  const start = performance.now();
  const bar = new SingleBar({
    stream,
    format: '{bar} {percentage}% {tensor} {rate} {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 100,
  });
  return {
    update(progress) {
      if (!bar.isActive) bar.start(progress.totalBytes, 0, { tensor: '', rate: '' });
      bar.update(progress.bytesDone, { tensor: progress.name, rate: rate(progress, start) });
    },
    stop: () => bar.stop(),
  };
}

function printLines(stream: NodeJS.WriteStream): ProgressDisplay {
  const start = performance.now();
  let printed = start;
  return {
    update(progress) {
      if (performance.now() - printed < LINE_INTERVAL_MS) return;
      printed = performance.now();
      const { bytesDone, totalBytes, tensorsDone, tensors, name } = progress;
      const percent = Math.floor((100 * bytesDone) / totalBytes);
      const secondsLeft = Math.round(((printed - start) / 1000) * (totalBytes / bytesDone - 1));
      stream.write(
        `${percent} % · tensor ${tensorsDone} of ${tensors}, ${name} · ${rate(progress, start)} · ${secondsLeft} s left\n`,
      );
    },
    stop: () => {},
  };
}

/** Of the output. */
function rate({ bytesDone }: StreamProgress, start: number): string {
  return `${formatDisk(Math.round((1000 * bytesDone) / (performance.now() - start + 1)))}/s`;
}
