#!/usr/bin/env node
// `hearth serve` with llama-server's options, for llama.cpp's own tests of its server.
// What hearth has no option for is left out; a test that needs it then fails, and is listed in docs/.
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const { SERVED_BY_CLI, SERVED_MODEL } = process.env;
const NAMED_TEMPLATES = { llama2: 'llama-2', llama3: 'llama-3', chatml: 'chatml' };
const given = new Map();
for (const [i, word] of process.argv.entries()) {
  const next = process.argv[i + 1];
  if (word.startsWith('--')) given.set(word, next?.startsWith('--') ? true : next);
}

const parallel = Number(given.get('--parallel') ?? 1);
const context = Math.floor(Number(given.get('--ctx-size') ?? 512) / parallel);
const words = ['serve', SERVED_MODEL, '--no-log', '--gpu', 'off', '--threads', '1'];
words.push('--port', given.get('--port'), '--ctx', context, '--parallel', parallel);
if (given.has('--alias')) words.push('--alias', given.get('--alias'));
if (given.has('--api-key')) words.push('--api-key', given.get('--api-key'));
if (given.get('--reasoning') === 'off') words.push('--no-thinking');
const template = given.get('--chat-template-file') ?? templateOf(given.get('--chat-template'));
if (template !== undefined) words.push('--chat-template', template);

const hearth = spawn(process.execPath, [SERVED_BY_CLI, ...words.map(String)], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => hearth.kill(signal));
hearth.on('exit', (code) => process.exit(code ?? 1));

/** A name that hearth has, or else the text itself in a file. */
function templateOf(text) {
  if (text === undefined || text in NAMED_TEMPLATES) return NAMED_TEMPLATES[text];
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'hearth-template-')), 'template.jinja');
  writeFileSync(file, text);
  return file;
}
