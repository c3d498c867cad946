// Progress of a long reading or writing: a bar on a terminal, a line every few seconds elsewhere.
// Each step has its own, as checking, writing and reading back differ tenfold in speed.
// Throttled, as a chunk takes milliseconds.
import { SingleBar } from 'cli-progress';
import { formatDisk } from './units.js';

const LINE_INTERVAL_MS = 5000;

export type ByteProgress = {
  /** What is being done, `writing`. */
  step: string;
  /** Part of the step that is at hand, shown in its place. */
  part?: string;
  bytesDone: number;
  /** Null where nobody knows. */
  totalBytes: number | null;
};

export type ByteProgressDisplay = {
  update(progress: ByteProgress): void;
  /** Removes the bar; harmless when called again. */
  stop(): void;
};

/** Runs `work` with a display on stderr, which goes when it ends. */
export async function withByteProgress<Result>(
  work: (display: ByteProgressDisplay) => Promise<Result>,
): Promise<Result> {
  const display = showByteProgress(process.stderr);
  try {
    return await work(display);
  } finally {
    display.stop();
  }
}

/** A display on `stream`, which appears with its first update. */
export function showByteProgress(stream: NodeJS.WriteStream): ByteProgressDisplay {
  const display = stream.isTTY ? showBar(stream) : printLines(stream);
  let step: string | null = null;
  let begun = 0;
  return {
    update(progress) {
      if (progress.step !== step) {
        display.stop();
        step = progress.step;
        begun = performance.now();
      }
      display.update(progress, begun);
    },
    stop: () => display.stop(),
  };
}

type StepDisplay = { update(progress: ByteProgress, begun: number): void; stop(): void };

function showBar(stream: NodeJS.WriteStream): StepDisplay {
  const bar = new SingleBar({
    stream,
    format: '{bar} {percentage}% {what} {rate} {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 100,
  });
  return {
    update({ step, part, bytesDone, totalBytes }, begun) {
      const texts = { what: part ?? step, rate: rate(bytesDone, begun) };
      if (!bar.isActive) bar.start(totalBytes ?? bytesDone, 0, texts);
      if (totalBytes === null) bar.setTotal(bytesDone);
      bar.update(bytesDone, texts);
    },
    stop: () => bar.stop(),
  };
}

function printLines(stream: NodeJS.WriteStream): StepDisplay {
  let printed = performance.now();
  return {
    update({ step, part, bytesDone, totalBytes }, begun) {
      if (performance.now() - printed < LINE_INTERVAL_MS) return;
      printed = performance.now();
      const share = totalBytes ? `${Math.floor((100 * bytesDone) / totalBytes)} % · ` : '';
      const seconds = ((printed - begun) / 1000) * ((totalBytes ?? bytesDone) / bytesDone - 1);
      const left = totalBytes ? ` · ${Math.round(seconds)} s left` : '';
      stream.write(
        `${share}${part ?? step} · ${formatDisk(bytesDone)} · ${rate(bytesDone, begun)}${left}\n`,
      );
    },
    stop: () => {},
  };
}

function rate(bytesDone: number, begun: number): string {
  return `${formatDisk(Math.round((1000 * bytesDone) / (performance.now() - begun + 1)))}/s`;
}
