import { statfsSync } from 'node:fs';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../model/shape/llama-model.js';
import { listParts } from '../../pruner/dense-model.js';
import { checkTemporarySpace } from '../../pruner/temporary-space.js';

t.test('a disk too small for what lies between is told before any long work', async (t) => {
  const model = describeLlama(await openCheckpoint(samplePath('appliance/dense')));
  const parts = listParts(model, { first: 0, last: model.layers.length - 1 });
  const folder = t.testdir();
  const files = { model, parts, denseType: 'F16', hasGrams: true } as const;
  await checkTemporarySpace(folder, files);
  const { bavail, bsize } = statfsSync(folder);
  // More channels than the disk has bytes for: 4 n² of their Gram matrix.
  const nGroups = Math.ceil(Math.sqrt(bavail * bsize));
  const large = parts.map((part) => (part.kind === 'ffn' ? { ...part, nGroups } : part));
  await t.rejects(checkTemporarySpace(folder, { ...files, parts: large }), {
    code: 'HEARTH_OUTPUT',
    message:
      /: pruning keeps [\d.]+ [MG]B there meanwhile, .* set TMPDIR to a folder on another disk/,
  });
  // It lies where the user keeps it.
  await checkTemporarySpace(folder, { ...files, parts: parts.slice(0, 1), hasGrams: false });
});
