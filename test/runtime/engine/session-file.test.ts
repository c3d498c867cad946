import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Engine, EngineOptions } from '../../../runtime/engine/engine.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';

const folder = t.testdir();
const modelPath = await applianceGguf(folder);
const saved = path.join(folder, 'saved.kv');
const file = (name: string): string => path.join(folder, name);

async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = startEngine({ modelPath, gpu: 'off', threads: 1, ...options });
  t.teardown(() => engine.close());
  await engine.ready();
  return engine;
}

async function answer(engine: Engine, text: string) {
  const told = { tokenIds: [] as number[], cachedTokens: -1, contextUsed: -1 };
  const request = { input: { kind: 'text', text } as const, sampling: { temperature: 0 } };
  for await (const event of engine.generate({ ...request, maxTokens: 12 })) {
    if (event.kind === 'start') told.cachedTokens = event.cachedTokens;
    else if (event.kind === 'token') told.tokenIds.push(...event.tokenIds);
    else if (event.kind === 'end') told.contextUsed = event.memory.contextUsed;
  }
  return told;
}

const begin = 'The Yuki C119 coffee maker makes';
const goesOn = `${begin} 48 decibels. Another`;

t.test('a saved cache gives another process the answer that it would compute', async (t) => {
  const first = await open();
  const begun = await answer(first, begin);
  const told = await first.saveSession(saved);
  t.equal(told.tokens, begun.contextUsed);
  t.equal(told.sizeBytes, statSync(saved).size);
  // 6 layers, keys and values of 8 heads of 32 in F16.
  t.ok(told.sizeBytes > told.tokens * 6 * 2 * 8 * 32 * 2);
  t.equal(statSync(saved).mode & 0o777, 0o600);
  await first.close();

  const second = await open();
  t.same(await second.loadSession(saved), { tokens: told.tokens });
  const loaded = await answer(second, goesOn);
  t.ok(loaded.cachedTokens > 5);
  const fresh = await answer(await open(), goesOn);
  t.equal(fresh.cachedTokens, 0);
  t.same(loaded.tokenIds, fresh.tokenIds);
});

t.test('what is not a cache of this model is refused, and the engine answers on', async (t) => {
  const engine = await open();
  const { tokenIds } = await answer(engine, goesOn);
  const bytes = readFileSync(saved);
  writeFileSync(file('magic.kv'), Buffer.concat([Buffer.alloc(4), bytes.subarray(4)]));
  const counted = Buffer.from(bytes);
  counted.writeUInt32LE(0xffffffff, 8);
  writeFileSync(file('counted.kv'), counted);
  writeFileSync(file('empty.kv'), '');
  for (const name of ['magic.kv', 'counted.kv', 'empty.kv', 'none.kv']) {
    const failure = { code: 'bad-request', message: /is not a cache of this model/ };
    await t.rejects(engine.loadSession(file(name)), failure, name);
    const after = await answer(engine, goesOn);
    t.same(after.tokenIds, tokenIds);
  }
  t.equal(engine.restarts, 0);
  const other = await open({ kvType: 'Q8_0', flashAttention: true });
  await t.rejects(other.loadSession(saved), { code: 'bad-request' }, 'another type');
});

t.test('what cannot be saved is told and leaves nothing behind', async (t) => {
  const engine = await open();
  await t.rejects(engine.saveSession(file('new.kv')), {
    code: 'bad-request',
    message: 'the cache holds no conversation to save',
  });
  await answer(engine, begin);
  await t.rejects(engine.saveSession(file('none/new.kv')), {
    code: 'bad-request',
    message: /new.kv cannot be written: ENOENT/,
  });
  await t.rejects(engine.saveSession(folder), { code: 'bad-request' }, 'a folder');
  t.same(
    readdirSync(folder).filter((name) => name.includes('part') || name.includes('new')),
    [],
  );
});
