// Every broken input that hearth promises to refuse, and what its message must say.
// The large ones are a good sample with one entry of the archive changed, as TABLE.md tells.
// A NaN among the weights is not here: it is found when the weights are read.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import yauzl from 'yauzl';
import { samplePath } from '../../../bench/development/sample-models.js';
import { type Checkpoint, openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { openLora } from '../../../model/checkpoint/lora/lora.js';
import { fixtures } from '../../support/samples.js';
import {
  storedZip,
  TINY_SHAPES,
  type TinyEntry,
  tinyCheckpoint,
} from '../../support/tiny-torch.js';

const bad = path.join(fixtures, 'bad');
const good = path.join(samplePath('formats/f_tied'), 'pytorch_model.bin');

const STORED: Record<string, RegExp> = {
  'truncated.bin': /broken zip archive.*truncated/,
  'empty.bin': /is empty/,
  'not-a-zip.bin': /is not a PyTorch file/,
  'legacy-pickle.bin': /plain pickle.*torch\.save it again/,
  'runs-os-system.bin': /holds a dict|its model is a|is not a pickled model/,
  'runs-eval.bin': /holds a dict|its model is a|is not a pickled model/,
  'memo-bomb.bin': /holds no dict; expected what LLM-Pruner saves/,
  'huge-long.bin': /an integer of \d+ bytes/,
  'no-stop.bin': /behind the end of data\.pkl/,
  'stack-underflow.bin': /the stack is empty/,
  'no-model.bin': /holds a dict with/,
  'ffn-mismatch.bin': /down_proj\.weight is \[\d+, \d+\], expected/,
  'hf-bad-header': /its header claims/,
  'hf-config-mismatch': /promises \d+ layers .* the weights have/,
};

for (const [name, message] of Object.entries(STORED))
  t.test(`${name} is refused`, async (t) => {
    await t.rejects(openCheckpoint(path.join(bad, name)), { name: 'CheckpointError', message });
    t.notOk(existsSync('HEARTH_PWNED'), 'nothing of it ran');
  });

const LORAS: Record<string, RegExp> = {
  'lora-half': /has lora_A without lora_B/,
  'lora-unknown-layer': /layers\.99\..* the LoRA belongs to another model/,
  'lora-wrong-shape': /lora_A is .* the LoRA belongs to another model/,
};

for (const [name, message] of Object.entries(LORAS))
  t.test(`${name} is refused`, async (t) => {
    const checkpoint = await openCheckpoint(samplePath('formats/f_global'));
    const opening = openLora(path.join(bad, name), checkpoint);
    await t.rejects(opening, { name: 'CheckpointError', message });
  });

const CHANGED: Record<string, { change: (entries: TinyEntry[]) => TinyEntry[]; message: RegExp }> =
  {
    'storage-short': {
      change: (entries) => changeLargest(entries, (bytes) => [bytes.subarray(0, bytes.length / 2)]),
      message: /its storage data\/\d+ has \d+ bytes, expected \d+/,
    },
    'storage-missing': {
      change: (entries) => changeLargest(entries, () => []),
      message: /its storage data\/\d+ is not in the archive/,
    },
    'no-data-pkl': {
      change: (entries) => entries.filter(({ name }) => !name.endsWith('data.pkl')),
      message: /0 data\.pkl, expected one/,
    },
    'deep-tuple': {
      change: (entries) =>
        changePickle(entries, Buffer.concat([Buffer.from(')'), Buffer.alloc(2e6, 0x85)])),
      message: /more objects than any model has/,
    },
  };

for (const [name, { change, message }] of Object.entries(CHANGED))
  t.test(`${name} is refused`, async (t) => {
    const archive = storedZip(change(await entriesOf(good)));
    const folder = t.testdir({ 'pytorch_model.bin': archive });
    await t.rejects(openCheckpoint(folder), { name: 'CheckpointError', message });
  });

t.test('the archive that these are made from opens when nothing is changed', async (t) => {
  const folder = t.testdir({ 'pytorch_model.bin': storedZip(await entriesOf(good)) });
  const copy: Checkpoint = await openCheckpoint(folder);
  t.same([...copy.tensors.keys()], [...(await openCheckpoint(good)).tensors.keys()]);
});

t.test('compressed entries are refused with what to do', async (t) => {
  const archive = Buffer.from(readFileSync(good));
  const header = archive.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
  archive.writeUInt16LE(8, header + 10);
  const folder = t.testdir({ 'pytorch_model.bin': archive });
  await t.rejects(openCheckpoint(folder), { message: /is compressed.*without compression/ });
});

t.test('q rows that are no multiple of the head size are refused', async (t) => {
  const q = 'model.layers.0.self_attn.q_proj.weight';
  const shapes = { ...TINY_SHAPES, [q]: [3, 4], 'model.layers.0.self_attn.o_proj.weight': [4, 3] };
  const folder = t.testdir({ 'pytorch_model.bin': tinyCheckpoint({ shapes }) });
  await t.rejects(openCheckpoint(folder), {
    name: 'CheckpointError',
    message: /q_proj\.weight has 3 rows, expected a multiple of the head size 4/,
  });
});

async function entriesOf(filePath: string): Promise<TinyEntry[]> {
  const archive = readFileSync(filePath);
  const zip = await yauzl.fromBufferPromise(archive);
  const entries: TinyEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const bytes = archive.subarray(start, start + entry.uncompressedSize);
    entries.push({ name: entry.fileName, bytes });
  }
  return entries;
}

function changeLargest(entries: TinyEntry[], change: (bytes: Buffer) => Buffer[]): TinyEntry[] {
  const size = (entry: TinyEntry) => (/data\/\d+$/.test(entry.name) ? entry.bytes.length : 0);
  const largest = entries.toSorted((a, b) => size(b) - size(a))[0];
  return entries.flatMap((entry) =>
    entry === largest ? change(entry.bytes).map((bytes) => ({ name: entry.name, bytes })) : [entry],
  );
}

function changePickle(entries: TinyEntry[], opcodes: Buffer): TinyEntry[] {
  const bytes = Buffer.concat([Buffer.from('\x80\x02', 'latin1'), opcodes, Buffer.from('.')]);
  return entries.map((entry) =>
    entry.name.endsWith('data.pkl') ? { name: entry.name, bytes } : entry,
  );
}
