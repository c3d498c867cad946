// hearth convert with a chat template that its parser comes to no end of: a warning or an error in
// seconds, and Ctrl-C works meanwhile.

import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { hearth } from '../support/hearth.js';

const checkpoint = samplePath('formats/f_old');

/** The template's two seconds, and a small conversion on a busy machine. */
const PATIENCE_MS = 15_000;

const spaces = (kib: number) => `a${' '.repeat((kib << 10) - 2)}b`;

/** A folder with a tokenizer whose own template it is, and with a file that is one, too. */
function folderWith(folder: string, template: string): string {
  copyFileSync(
    path.join(checkpoint, 'given/tokenizer.model'),
    path.join(folder, 'tokenizer.model'),
  );
  writeFileSync(path.join(folder, 'chat_template.jinja'), template);
  return folder;
}

t.test("256 KiB of spaces in the tokenizer's template are warned of", async (t) => {
  const cwd = folderWith(t.testdir(), spaces(256));
  const startedAt = performance.now();
  const run = await hearth(['convert', checkpoint, '--tokenizer', '.', '-o', 'a.gguf'], { cwd });
  t.ok(performance.now() - startedAt < PATIENCE_MS);
  t.match(run, {
    status: 0,
    stderr:
      "hearth convert: warning: the tokenizer's chat template cannot be parsed (takes more than 2 s); pass --chat-template\n",
  });
  t.ok(readdirSync(cwd).includes('a.gguf'));
});

t.test('128 KiB of spaces in the template that was asked for are an error', async (t) => {
  const cwd = folderWith(t.testdir(), spaces(128));
  const chosen = ['--tokenizer', '.', '--chat-template', 'chat_template.jinja'];
  const run = await hearth(['convert', checkpoint, ...chosen, '-o', 'a.gguf'], { cwd });
  t.match(run, {
    status: 1,
    stderr: /chat_template\.jinja: is not a Jinja template: takes more than 2 s; correct it/,
  });
  t.notOk(readdirSync(cwd).includes('a.gguf'));
});

t.test('Ctrl-C ends it while the template is parsed', async (t) => {
  const cwd = folderWith(t.testdir(), spaces(256));
  let interruptedAt = 0;
  const run = await hearth(['convert', checkpoint, '--tokenizer', '.', '-o', 'a.gguf'], {
    cwd,
    onStart: async (child) => {
      // The program that parses: until it is there, nobody listens for Ctrl-C.
      while (!hasChild(child.pid)) await sleep(50);
      interruptedAt = performance.now();
      child.kill('SIGINT');
    },
  });
  t.match(run, { status: 130, stdout: '' });
  t.ok(interruptedAt > 0 && performance.now() - interruptedAt < 1000);
  t.notOk(readdirSync(cwd).includes('a.gguf'));
});

/** True where it cannot be told. */
function hasChild(pid = 0): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1') !== '';
  } catch {
    return true;
  }
}
