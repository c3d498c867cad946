// What becomes of a run in the log where the model is not Llama's, or never comes to be read.
// Read back with the sqlite3 shell.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { EngineOptions } from '../../../runtime/engine/engine.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { openLog } from '../../../runtime/log/answer-log.js';
import { Recorder } from '../../../runtime/log/recorder.js';
import { skipFileWithout } from '../../support/needs.js';
import { tinyGguf } from '../../support/tiny-gguf.js';

skipFileWithout('sqlite3');

const folder = t.testdir();
const N_EMBD = 32;
const N_FF = 64;
/** llama.cpp aborts on one of this kind that lacks a byte. */
const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${hex(byte)}>`);
const VOCABULARY = ['<unk>', '<s>', '</s>', ...BYTES, '▁a', '▁b'];
const TOKEN_TYPES = [2, 3, 3, ...BYTES.map(() => 6), 1, 1];

t.test('answers of a model that is no Llama are recorded, with its widths', async (t) => {
  const modelPath = path.join(folder, 'other.gguf');
  writeFileSync(modelPath, internlm2());
  const settings = { modelPath, gpu: 'off', threads: 1, nCtx: 64 } as const;
  const { engine, recorder, logPath, close } = record(settings);
  await engine.ready();
  const answer = recorder.generate(
    { input: { kind: 'text', text: 'a b' }, maxTokens: 2, sampling: { temperature: 0 } },
    { endpoint: 'chat' },
  );
  for await (const _ of answer);
  await close();
  const query =
    'SELECT arch, n_params, n_layer, n_head, n_ff, generated_tokens FROM request JOIN run ON run.id = run_id JOIN model ON model.id = model_id';
  const nParams = 2 * VOCABULARY.length * N_EMBD + 3 * N_EMBD + 4 * N_EMBD ** 2 + 3 * N_EMBD * N_FF;
  t.equal(sqlite(logPath, query), `internlm2|${nParams}|1|[4]|[${N_FF}]|2`);
});

t.test('an engine that dies before it has read the file leaves its starts', async (t) => {
  const modelPath = path.join(folder, 'early.gguf');
  writeFileSync(modelPath, internlm2());
  const { engine, logPath, close } = record({ modelPath, gpu: 'off' });
  const killStart = () => engine.pid && process.kill(engine.pid, 'SIGKILL');
  engine.onState(({ kind }) => kind === 'loading' && setImmediate(killStart));
  killStart();
  await t.rejects(engine.ready(), { code: 'load-failed' });
  t.equal(engine.file, null);
  await close();
  t.equal(
    sqlite(logPath, 'SELECT DISTINCT end_reason, arch FROM run JOIN model ON model.id = model_id'),
    'not-loaded|internlm2',
  );
});

t.test(
  'what was refused while the model loaded is there, though the load never ends',
  async (t) => {
    const modelPath = path.join(folder, 'loading.gguf');
    writeFileSync(modelPath, internlm2());
    const { recorder, logPath, close } = record({ modelPath, gpu: 'off' });
    recorder.record({ startedAtMs: Date.now(), endpoint: 'chat', stopReason: 'deadline' });
    await close();
    const query =
      'SELECT stop_reason, end_reason, arch FROM request JOIN run ON run.id = run_id JOIN model ON model.id = model_id';
    t.equal(sqlite(logPath, query), 'deadline|stopped|internlm2');
  },
);

t.test('a recorder ends though its engine never read a file', async (t) => {
  const modelPath = path.join(folder, 'none.gguf');
  const settings = { modelPath, gpu: 'off' } as const;
  const { logPath, close } = record(settings);
  await close();
  t.equal(sqlite(logPath, 'SELECT count(*) FROM run'), '0');
});

function record(settings: EngineOptions) {
  const engine = startEngine(settings);
  const logPath = path.join(folder, `${path.basename(settings.modelPath)}.db`);
  const log = openLog({ path: logPath });
  const options = { engine, log, settings, hearthVersion: '0.0.0-test' };
  const recorder = new Recorder(options);
  return {
    engine,
    recorder,
    logPath,
    async close() {
      await recorder.close();
      await engine.close();
      await log.close();
    },
  };
}

/** Runs in llama.cpp as Llama does, under another name; all its weights are zeros. */
function internlm2(): Buffer {
  const shapes: Record<string, number[]> = {
    'token_embd.weight': [N_EMBD, VOCABULARY.length],
    'output_norm.weight': [N_EMBD],
    'output.weight': [N_EMBD, VOCABULARY.length],
    'blk.0.attn_norm.weight': [N_EMBD],
    'blk.0.attn_q.weight': [N_EMBD, N_EMBD],
    'blk.0.attn_k.weight': [N_EMBD, N_EMBD],
    'blk.0.attn_v.weight': [N_EMBD, N_EMBD],
    'blk.0.attn_output.weight': [N_EMBD, N_EMBD],
    'blk.0.ffn_norm.weight': [N_EMBD],
    'blk.0.ffn_gate.weight': [N_EMBD, N_FF],
    'blk.0.ffn_up.weight': [N_EMBD, N_FF],
    'blk.0.ffn_down.weight': [N_FF, N_EMBD],
  };
  let offset = 0;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const tensor = { name, type: 0, shape, offset };
    offset += 4 * shape.reduce((product, size) => product * size);
    return tensor;
  });
  const metadata = {
    'general.architecture': 'internlm2',
    'internlm2.block_count': 1,
    'internlm2.context_length': 64,
    'internlm2.embedding_length': N_EMBD,
    'internlm2.feed_forward_length': N_FF,
    'internlm2.attention.head_count': 4,
    'internlm2.attention.layer_norm_rms_epsilon': 1e-5,
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': VOCABULARY,
    'tokenizer.ggml.token_type': TOKEN_TYPES,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
  };
  return tinyGguf({ metadata, tensors, dataBytes: offset });
}

function sqlite(logPath: string, query: string): string {
  return execFileSync('sqlite3', [logPath, query], { encoding: 'utf8' }).trim();
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
