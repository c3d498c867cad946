// What a killed process left of a file is gone once the next one writes it; what may still be written to stays.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openOutput } from '../../terminal/output-file.js';
import { removeLeftovers, temporaryPath } from '../../terminal/temporary-name.js';

const OUTPUT_FILE = new URL('../../terminal/output-file.js', import.meta.url).href;

t.test('the next process removes what a killed one left', async (t) => {
  const folder = t.testdir();
  const output = path.join(folder, 'model.gguf');
  const script = `import { openOutput } from '${OUTPUT_FILE}';
    await openOutput(process.argv[1], { inputs: [] });
    process.kill(process.pid, 'SIGKILL');`;
  spawnSync(process.execPath, ['--input-type=module', '-e', script, output]);
  t.match(readdirSync(folder), [/^\.model\.gguf\.\d+-\w+-\w+\.part$/]);
  const file = await openOutput(output, { inputs: [] });
  t.same(readdirSync(folder), [path.basename(file.temporaryPath)]);
  await file.commit();
  t.same(readdirSync(folder), ['model.gguf']);
});

t.test('what a living process, another machine or another file has there stays', async (t) => {
  const folder = t.testdir();
  const output = path.join(folder, 'model.gguf');
  const own = path.basename(temporaryPath(output));
  const dead = own.replace(String(process.pid), String(deadPid()));
  const kept = [
    own,
    dead.replace(/-\w+-/, '-0badf00d-'),
    dead.replace('model', 'other'),
    dead.replace('.part', '.txt'),
    '.model.gguf.part',
    '.model.gguf.1a2b3c4d.part',
  ].sort();
  for (const name of [...kept, dead]) writeFileSync(path.join(folder, name), '');
  mkdirSync(path.join(folder, dead.replace(/\w{8}\.part$/, '00000000.part')));
  await removeLeftovers(output);
  t.same(readdirSync(folder).sort(), kept);
});

/** Of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}
