import { existsSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import si from 'systeminformation';
import t from 'tap';
import { measureBandwidth } from '../../../devices/probe/bandwidth.js';
import { probeGpus } from '../../../devices/probe/gpus.js';
import { probeMachine } from '../../../devices/probe/probe.js';

t.test('CPU and memory are what the system says', async (t) => {
  const probe = await probeMachine();
  const cpu = await si.cpu();
  t.match(probe.cpu, cpu.brand);
  t.equal(probe.cpuCores, cpu.physicalCores);
  t.ok(probe.freeMemoryBytes > 0 && probe.freeMemoryBytes <= probe.memoryBytes);
  t.ok(probe.bandwidthBytesPerSecond > 0);
  t.ok(probe.memoryBytes <= totalmem());
  if (!existsSync('/proc/meminfo')) return;
  const [, kib] = /^MemTotal: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  const limit = process.constrainedMemory() || Infinity;
  t.equal(probe.memoryBytes, Math.min(Number(kib) * 1024, limit));
});

t.test('the GPU is the one that llama.cpp opens', async (t) => {
  const reply = await probeGpus();
  const llama = await getLlama({
    gpu: 'auto',
    build: 'never',
    skipDownload: true,
    logLevel: LlamaLogLevel.disabled,
  });
  const { total } = await llama.getVramState();
  await llama.dispose();
  if (total === 0) t.same(reply, { kind: 'none' });
  else t.match(reply, { kind: 'gpus', gpus: { backend: llama.gpu, totalBytes: total } });
});

t.test('a child process that dies is told of, not thrown', async (t) => {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = '--require=/nonexistent.cjs';
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
  t.match(await probeGpus(), { kind: 'failed', reason: /ended the probe \(1\)/ });
});

t.test('the bandwidth is a rate, however short the test', async (t) => {
  const rate = await measureBandwidth({ durationMs: 1, threads: 2, bufferBytes: 2 ** 20 });
  t.ok(rate > 0 && Number.isFinite(rate), `${rate}`);
});
