import path from 'node:path';
import t from 'tap';
import { readModelFile, unmeasured } from '../../../bench/compare/compared-file.js';
import { openDenseSource } from '../../../bench/compare/dense-source.js';
import { samplePath } from '../../../bench/development/sample-models.js';
import { convert } from '../../../converter/convert.js';
import { applianceGguf } from '../../support/appliance-gguf.js';

const folder = t.testdir({ made: {} });
const target = { folder: path.join(folder, 'made'), signal: new AbortController().signal };
const checkpoint = samplePath('appliance/dense');

async function opened(file: string) {
  return { ...unmeasured('dense', file), file: await readModelFile(file, null) };
}

const first = await opened(await applianceGguf(folder));

t.test('another type is made of an F16 GGUF or of the checkpoint, for the same chat', async (t) => {
  const bf16 = path.join(folder, 'dense-bf16.gguf');
  await convert({ checkpoint, output: bf16, type: 'BF16', threads: 1 });
  for (const given of [undefined, checkpoint, bf16]) {
    const source = await openDenseSource(first, given);
    const made = await source?.make('Q4_0', target);
    const file = await readModelFile(made ?? '', first.file);
    t.match(file, { fileType: 'Q4_0', isUnpruned: true });
    t.equal(file.chatTemplate, first.file.chatTemplate);
    t.equal(file.tokenizerSha256, first.file.tokenizerSha256);
  }
});

t.test('a quantised file is not a source, and neither is another model', async (t) => {
  const output = path.join(folder, 'dense-q8.gguf');
  await convert({ checkpoint, output, type: 'Q8_0', threads: 1 });
  t.equal(await openDenseSource(await opened(output), undefined), null);
  await t.rejects(openDenseSource(first, samplePath('appliance/pruned-20')), {
    message:
      /--dense-checkpoint .* has other widths than dense; give the checkpoint that dense was/,
  });
  await t.rejects(openDenseSource(first, output), {
    message: /--dense-checkpoint .* is a GGUF of type Q8_0; give the unpruned checkpoint/,
  });
});
