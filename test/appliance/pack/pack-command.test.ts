// What needs no registry; the rest is pack.test.ts.
import t from 'tap';
import { hearth } from '../../support/hearth.js';

t.test('wrong usage exits with 2, a wrong model with 1', async (t) => {
  const runs: [words: string[], status: number, stderr: RegExp][] = [
    [['pack'], 2, /^hearth: Not enough .*\n$/],
    [['pack', 'chat.gguf'], 2, /^hearth: Missing required argument: target\n$/],
    [['pack', 'chat.gguf', '--target', 'linux-riscv'], 2, /Choices: "linux-x64", "linux-arm64"/],
    [['pack', 'missing.gguf', '--target', 'linux-x64'], 1, /^hearth: .*missing\.gguf.*\n$/],
  ];
  for (const [words, status, stderr] of runs)
    t.match(await hearth(words), { status, stdout: '', stderr }, words.join(' '));
});
