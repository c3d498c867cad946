import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import OpenAI from 'openai';
import t from 'tap';
import { LlamaLogLevel, openNodeLlama } from '../../../llama/node-llama.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { readyEngine } from '../engine/ask.js';
import { post, runServer } from './running-server.js';

const MEAN_POOLING = 1;
const folder = t.testdir();
const modelPath = path.join(folder, 'embedder.gguf');
writeFileSync(modelPath, withPooling(readFileSync(await applianceGguf(folder)), MEAN_POOLING));
const engine = await readyEngine(modelPath, { nCtx: 512 });
t.teardown(() => engine.close());
const settings = { modelPath, gpu: 'off' } as const;
const { url } = await runServer(t, { engine, settings, folder });
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const texts = ['How loud is the Yuki C119?', 'Is the Yuki C119 loud?', 'E17 on a clothes dryer'];

t.test(
  'vectors are those of bare node-llama-cpp, at unit length as OpenAI sends them',
  async (t) => {
    const llama = await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
    t.teardown(() => llama.dispose());
    const model = await llama.loadModel({ modelPath, useMmap: false });
    const bare = await model.createEmbeddingContext({ threads: 1 });
    const { data, usage } = await client.embeddings.create({ model: 'embedder', input: texts });
    t.same(
      data.map(({ index }) => index),
      [0, 1, 2],
    );
    for (const [i, text] of texts.entries()) {
      const vector = data[i]?.embedding ?? [];
      t.equal(vector.length, 256);
      t.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6, text);
      t.ok(cosine(vector, (await bare.getEmbeddingFor(text)).vector) > 0.999_99, text);
    }
    const tokens = texts.map((text) => bare.calculateInputLength(text));
    t.equal(
      usage.prompt_tokens,
      tokens.reduce((a, b) => a + b),
    );
  },
);

t.test('floats and base64 say the same', async (t) => {
  const ask = async <T>(encoding_format: string) => {
    const response = await post(`${url}/v1/embeddings`, { input: texts[0], encoding_format });
    const { data } = (await response.json()) as { data: { embedding: T }[] };
    return data[0]?.embedding;
  };
  const floats = (await ask<number[]>('float')) ?? [];
  const bytes = Buffer.from((await ask<string>('base64')) ?? '', 'base64');
  t.same(
    floats.map((_, i) => bytes.readFloatLE(4 * i)),
    floats.map(Math.fround),
  );
});

t.test('what the model cannot do is refused by name', async (t) => {
  const refused = async (body: object, status: number, named: RegExp) => {
    const response = await post(`${url}/v1/embeddings`, body);
    t.equal(response.status, status, JSON.stringify(body).slice(0, 80));
    t.match(await response.json(), { error: { message: named } });
  };
  await refused({ input: 'a', dimensions: 8 }, 400, /256/);
  await refused({ input: [] }, 400, /input/);
  await refused({ input: 'long '.repeat(600) }, 400, /tokens/);
  const answers = await client.chat.completions.create({
    ...{ model: 'embedder', max_tokens: 2, messages: [{ role: 'user', content: texts[0] ?? '' }] },
  });
  t.ok(answers.choices[0]?.message.content, 'and it still answers');
});

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return dot / Math.hypot(...a) / Math.hypot(...b);
}

/** Two more pairs of metadata, together a multiple of the alignment, so that no tensor moves. */
function withPooling(file: Buffer, pooling: number): Buffer {
  const [nPairAt, firstPairAt] = [16, 24];
  const header = Buffer.from(file.subarray(0, firstPairAt));
  header.writeBigUInt64LE(header.readBigUInt64LE(nPairAt) + 2n, nPairAt);
  const pairs = [pair('llama.pooling_type', pooling), pair('hearth.padding', 0)];
  return Buffer.concat([header, ...pairs, file.subarray(firstPairAt)]);
}

function pair(key: string, value: number): Buffer {
  const bytes = Buffer.alloc(8 + key.length + 8);
  bytes.writeBigUInt64LE(BigInt(key.length));
  bytes.write(key, 8);
  const uint32 = 4;
  bytes.writeUInt32LE(uint32, 8 + key.length);
  bytes.writeUInt32LE(value, 12 + key.length);
  return bytes;
}
