// A memory budget as a contract: what it allows is loaded and stays below it, by llama.cpp's own
// accounting; what it does not allow is refused before a process is started.
import t from 'tap';
import { MemoryBudgetError, withinMemory } from '../../../runtime/engine/memory-budget.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';

const MIB = 2 ** 20;
const modelPath = await applianceGguf(t.testdir());
const cpu = { modelPath, gpu: 'off' as const, threads: 1 };

t.test('the whole context is taken where there is room for it', async (t) => {
  const { options } = await withinMemory(cpu, 2 ** 30);
  t.match(options, { ...cpu, nCtx: 512 });
});

t.test('sequences that fit are loaded, stay below, and are predicted to the byte', async (t) => {
  const { options, fit } = await withinMemory({ ...cpu, parallel: 8 }, 300 * MIB);
  const engine = startEngine(options);
  t.teardown(() => engine.close());
  const info = await engine.ready();
  const taken = info.weightsBytes + info.kvBytes + info.computeBytes;
  t.ok(taken + fit.placed.host.overheadBytes <= fit.budgetBytes);
  t.equal(fit.placed.host.weightsBytes, info.weightsBytes);
  t.equal(fit.placed.host.kvBytes + fit.placed.host.computeBytes, info.kvBytes + info.computeBytes);
  const { rssBytes } = await engine.memory();
  t.ok(rssBytes <= 300 * MIB);
  t.match(info.predicted, {
    weightsBytes: info.weightsBytes,
    totalBytes: fit.placed.host.totalBytes,
  });
});

t.test('a shorter context is chosen where none was asked for', async (t) => {
  // 24 caches of 512 tokens are 72 MiB, of 256 half of that.
  const { options } = await withinMemory({ ...cpu, parallel: 24 }, 310 * MIB);
  t.equal(options.nCtx, 256);
});

t.test('what was asked for and does not fit is refused with what would', async (t) => {
  const asked = withinMemory({ ...cpu, parallel: 24, nCtx: 512 }, 310 * MIB);
  await t.rejects(asked, MemoryBudgetError);
  await t.rejects(asked, /needs \d+ MiB with 512 tokens.*--kv-type Q8_0/s);
  await t.rejects(withinMemory(cpu, 100 * MIB), /No setting makes it fit/);
});

t.test('the commands refuse before they load', async (t) => {
  for (const command of [
    ['serve', modelPath, '--port', '0'],
    ['chat', modelPath, '--once', 'Hi'],
  ]) {
    const run = await hearth([...command, '--gpu', 'off', '--memory', '100MiB', '--no-log']);
    t.equal(run.status, 1, command.join(' '));
    t.match(run.stderr, /needs \d+ MiB .* but --memory 100 MiB leaves/);
    t.notMatch(run.stderr, 'listening');
  }
});

t.test('a size without a unit is a usage mistake', async (t) => {
  const { status, stderr } = await hearth(['chat', modelPath, '--memory', '8', '--once', 'Hi']);
  t.equal(status, 2);
  t.match(stderr, '"8" is not a size');
});
