// npm run bench:flash: how fast hearth flash writes to a loop device, against dd bs=4M conv=fsync, turn
// by turn in one run, so that what else the machine does meets both. Medians count.
// Reading back is told apart: dd does not do it. Exits with 1 when the bar is missed.
import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { flash } from '../../appliance/flash/flash.js';
import { median } from '../median.js';
import { inTemporaryFolder } from './in-temporary-folder.js';

const MiB = 1 << 20;
/** Of dd's throughput. */
const BAR = 0.9;

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: MB/s of hearth flash and of dd; needs root and loop devices')
  .options({
    size: { describe: 'MiB of the image', type: 'number', default: 512 },
    turns: { describe: 'Times that each writes', type: 'number', default: 5 },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => print(await measure(folder, signal)));

type Measured = { dd: number; hearth: number; readBack: number; ratio: number };

async function measure(folder: string, signal: AbortSignal): Promise<Measured> {
  const sizeBytes = arguments_.size * MiB;
  const image = path.join(folder, 'disk.img');
  await pipeline(randomData(sizeBytes), createWriteStream(image));
  const disk = path.join(folder, 'disk');
  await (await open(disk, 'w')).close();
  execFileSync('fallocate', ['--length', `${sizeBytes + 64 * MiB}`, disk]);
  const device = execFileSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).trim();
  try {
    return await compare(image, device, signal);
  } finally {
    execFileSync('losetup', ['--detach', device]);
  }
}

async function compare(image: string, device: string, signal: AbortSignal): Promise<Measured> {
  const rates = { dd: [] as number[], hearth: [] as number[], readBack: [] as number[] };
  const rate = (ms: number) => (arguments_.size * MiB) / 1e6 / (ms / 1000);
  // The first turn fills the file below and the page cache, and is not counted.
  for (let turn = 0; turn <= arguments_.turns; turn++) {
    signal.throwIfAborted();
    const begun = performance.now();
    const words = [`if=${image}`, `of=${device}`, 'bs=4M', 'conv=fsync', 'status=none'];
    execFileSync('dd', words);
    const ddMs = performance.now() - begun;
    const { writeMs, verifyMs } = await flash({
      imagePath: image,
      deviceName: device,
      confirm: async () => true,
      shouldEject: false,
      signal,
    });
    if (turn === 0) continue;
    rates.dd.push(rate(ddMs));
    rates.hearth.push(rate(writeMs));
    rates.readBack.push(rate(verifyMs));
  }
  const [dd, hearth] = [median(rates.dd), median(rates.hearth)];
  return { dd, hearth, readBack: median(rates.readBack), ratio: hearth / dd };
}

function randomData(sizeBytes: number): Readable {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(4 * MiB);
  const chunks = function* () {
    for (let done = 0; done < sizeBytes; done += zeros.length)
      yield cipher.update(zeros.subarray(0, Math.min(zeros.length, sizeBytes - done)));
  };
  return Readable.from(chunks());
}

function print({ dd, hearth, readBack, ratio }: Measured): void {
  const figures = {
    image_mib: arguments_.size,
    dd_mb_per_second: dd,
    hearth_mb_per_second: hearth,
    read_back_mb_per_second: readBack,
    ratio,
    bar: BAR,
  };
  const text = `hearth ${hearth.toFixed(0)} MB/s, dd ${dd.toFixed(0)} MB/s: ${ratio.toFixed(2)} (bar ${BAR}); read back at ${readBack.toFixed(0)} MB/s`;
  process.stdout.write(`${arguments_.json ? JSON.stringify(figures, null, 2) : text}\n`);
  // NaN, where nothing was measured, meets no bar.
  if (!(ratio >= BAR)) process.exitCode = 1;
}
