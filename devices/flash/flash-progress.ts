// Progress of a long write: a bar on a terminal, a line every few seconds elsewhere.
// Each step has its own, as checking, writing and reading back differ tenfold in speed.
// Throttled, as a chunk takes milliseconds.
import { SingleBar } from 'cli-progress';
import { formatDisk } from '../units.js';
import type { FlashProgress, FlashStep } from './write/index.js';

const LINE_INTERVAL_MS = 5000;
const STEP_TEXT: Record<FlashStep, string> = {
  check: 'checking the image',
  write: 'writing',
  verify: 'reading back',
};

export type FlashProgressDisplay = {
  update(progress: FlashProgress): void;
  /** Removes the bar; harmless when called again. */
  stop(): void;
};

export function showFlashProgress(stream: NodeJS.WriteStream): FlashProgressDisplay {
  const display = stream.isTTY ? showBar(stream) : printLines(stream);
  let step: FlashStep | null = null;
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

type StepDisplay = { update(progress: FlashProgress, begun: number): void; stop(): void };

function showBar(stream: NodeJS.WriteStream): StepDisplay {
  const bar = new SingleBar({
    stream,
    format: '{bar} {percentage}% {step} {rate} {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 100,
  });
  return {
    update({ step, bytesDone, totalBytes }, begun) {
      const texts = { step: STEP_TEXT[step], rate: rate(bytesDone, begun) };
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
    update({ step, bytesDone, totalBytes }, begun) {
      if (performance.now() - printed < LINE_INTERVAL_MS) return;
      printed = performance.now();
      const share = totalBytes ? `${Math.floor((100 * bytesDone) / totalBytes)} % · ` : '';
      const seconds = ((printed - begun) / 1000) * ((totalBytes ?? bytesDone) / bytesDone - 1);
      const left = totalBytes ? ` · ${Math.round(seconds)} s left` : '';
      stream.write(
        `${share}${STEP_TEXT[step]} · ${formatDisk(bytesDone)} · ${rate(bytesDone, begun)}${left}\n`,
      );
    },
    stop: () => {},
  };
}

function rate(bytesDone: number, begun: number): string {
  return `${formatDisk(Math.round((1000 * bytesDone) / (performance.now() - begun + 1)))}/s`;
}
