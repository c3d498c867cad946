import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { writeAligned } from '../../../model/gguf/align-gguf.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';

const ALIGNMENT_BYTES = 4096;

async function align(source: string, target: string): Promise<void> {
  await using file = await open(target, 'wx');
  await writeAligned(source, file, { alignmentBytes: ALIGNMENT_BYTES });
}

const folder = t.testdir({ 'long.jinja': `{# ${'x'.repeat(5000)} #}{{ messages[0].content }}` });
const source = await applianceGguf(folder, 'appliance/pruned-20');

t.test(
  'tensors lie at multiples of the alignment, and nothing else of a model is new',
  async (t) => {
    const target = path.join(folder, 'aligned.gguf');
    await align(source, target);
    const [before, after] = [await readGgufFile(source), await readGgufFile(target)];
    t.same(after.metadata, { 'general.alignment': ALIGNMENT_BYTES, ...before.metadata });
    const [bytesBefore, bytesAfter] = [await readFile(source), await readFile(target)];
    t.equal(after.tensors.length, before.tensors.length);
    for (const [i, { offsetBytes, sizeBytes, ...named }] of after.tensors.entries()) {
      const { offsetBytes: from, ...same } = before.tensors[i] as (typeof before.tensors)[number];
      t.match(same, { ...named, sizeBytes });
      t.equal(offsetBytes % ALIGNMENT_BYTES, 0);
      const weights = bytesAfter.subarray(offsetBytes, offsetBytes + sizeBytes);
      t.ok(weights.equals(bytesBefore.subarray(from, from + sizeBytes)), named.name);
    }
    const question = ['--once', 'Please tell me what E17 means on a clothes dryer.'];
    const answers = [source, target].map(async (model) => {
      return (await hearth(['chat', model, ...question, '--temperature', '0'])).stdout;
    });
    const [expected, found] = await Promise.all(answers);
    t.match(expected, 'E17');
    t.equal(found, expected, 'llama.cpp answers the same');
  },
);

t.test('behind a longer header, blocks of weights are the same blocks', async (t) => {
  const other = path.join(folder, 'other.gguf');
  const template = ['--chat-template', path.join(folder, 'long.jinja')];
  t.match(await hearth(['convert', source, '-o', other, ...template, '--type', 'F16']), {
    status: 0,
  });
  const [a, b] = [path.join(folder, 'a'), path.join(folder, 'b')];
  await align(source, a);
  await align(other, b);
  const known = new Set(await blocksOf(a));
  const blocks = await blocksOf(b);
  const { dataOffset } = await readGgufFile(b);
  const changed = blocks.filter((hash) => !known.has(hash)).length;
  t.ok(changed > 0 && changed * ALIGNMENT_BYTES <= dataOffset, 'only those of the header changed');
});

async function blocksOf(file: string): Promise<string[]> {
  const bytes = await readFile(file);
  const starts = Array.from({ length: bytes.length / ALIGNMENT_BYTES }, (_, i) => i);
  return starts.map((i) => {
    const block = bytes.subarray(i * ALIGNMENT_BYTES, (i + 1) * ALIGNMENT_BYTES);
    return createHash('sha256').update(block).digest('hex');
  });
}
