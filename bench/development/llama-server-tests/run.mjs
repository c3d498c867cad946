// Runs llama.cpp's own tests of its server, from the sources that node-llama-cpp ships, against
// `hearth serve`, and prints how many pass of each file. Needs git, and a python with pytest, openai,
// requests, aiohttp, wget and filelock: `--python PATH`. `-- words` go to pytest.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const here = import.meta.dirname;
const root = path.resolve(here, '../../..');
const FILES = [
  'chat_completion',
  'template',
  'compat_anthropic',
  'compat_oai_responses',
  'tokenize',
  'tool_call',
];

const { values, positionals } = parseArgs({
  options: { python: { type: 'string', default: 'python3' } },
  allowPositionals: true,
});
const folder = mkdtempSync(path.join(tmpdir(), 'hearth-llama-tests-'));
try {
  const bundle = path.join(root, 'node_modules/node-llama-cpp/llama/gitRelease.bundle');
  run('git', ['clone', '--quiet', bundle, path.join(folder, 'llama.cpp')]);
  const model = path.join(folder, 'model.gguf');
  const cli = path.join(root, 'dist/cli.js');
  const sample = path.join(root, 'converter/demo/appliance-pruned-20');
  const made = ['convert', sample, '-o', model, '--type', 'F16', '--chat-template', 'llama-2'];
  run(process.execPath, [cli, ...made]);
  neverEnding(model);
  const report = path.join(folder, 'report.xml');
  const tests = path.join(folder, 'llama.cpp/tools/server/tests');
  const files = FILES.map((name) => `unit/test_${name}.py`);
  const more = positionals.length > 0 ? positionals : files;
  spawnSync(
    values.python,
    [
      '-m',
      'pytest',
      '-p',
      'hearth_plugin',
      '-q',
      '-m',
      'not slow',
      '--tb=line',
      `--junitxml=${report}`,
      ...more,
    ],
    {
      cwd: tests,
      stdio: 'inherit',
      env: {
        ...process.env,
        PYTHONPATH: `${here}:${tests}`,
        PORT: process.env.PORT ?? '18080',
        SERVED_BY_CLI: cli,
        SERVED_MODEL: model,
        LLAMA_SERVER_BIN_PATH: path.join(here, 'llama-server.mjs'),
      },
    },
  );
  print(readFileSync(report, 'utf8'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The stories model tells on until it is cut, and the tests count on it: no token ends this one, either. */
function neverEnding(file) {
  const bytes = readFileSync(file);
  const key = Buffer.from('tokenizer.ggml.eos_token_id');
  // The key, the type of its value (4 bytes), the value.
  bytes.writeUInt32LE(0, bytes.indexOf(key) + key.length + 4);
  // llama.cpp knows an end by its text as well.
  const text = Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('</s>')]);
  const at = bytes.indexOf(text);
  if (at >= 0) bytes.write('</S>', at + 8);
  writeFileSync(file, bytes);
}

function run(command, words) {
  const { status } = spawnSync(command, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} failed`);
}

function print(xml) {
  const counts = new Map();
  for (const [, file, name, rest] of xml.matchAll(
    /<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(\/>|>\s*<(?:failure|error|skipped))/g,
  )) {
    const count = counts.get(file) ?? { passed: 0, all: 0, failed: [] };
    count.all++;
    if (rest === '/>') count.passed++;
    else count.failed.push(name);
    counts.set(file, count);
  }
  for (const [file, { passed, all, failed }] of counts) {
    process.stdout.write(`${file}: ${passed} of ${all}\n`);
    for (const name of failed) process.stdout.write(`  not ${name}\n`);
  }
}
