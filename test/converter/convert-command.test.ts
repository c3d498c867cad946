// hearth convert as a user runs it: what is printed where, exit codes, options, and outputs that
// cannot be written. Bad checkpoints are in bad-input.test.ts, Ctrl-C in interrupt.test.ts.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { convert } from '../../converter/convert.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { loraPath } from '../support/converted.js';
import { cli, hearth, runProgram } from '../support/hearth.js';

const tied = samplePath('formats/f_tied');
const dense = samplePath('appliance/dense');

t.test('a summary goes to stdout, the warning about a template to stderr', async (t) => {
  const cwd = t.testdir();
  const run = await hearth(
    [
      'convert',
      samplePath('appliance/pruned-35'),
      '--lora',
      loraPath('appliance/pruned-35'),
      '-o',
      'a.gguf',
    ],
    { cwd },
  );
  t.equal(run.status, 0);
  t.match(run.stdout, /a\.gguf\n {2}parameters +4\.01 M of 6\.16 M \(65\.1 % kept\)\n/);
  t.match(run.stdout, 'layers       6 layers: heads 8, 4 ×5; n_ff 768, 379 ×5');
  t.match(run.stdout, /Q4_K_M, \d\.\d\d bits per weight, architecture deci/);
  t.match(run.stdout, /size +\d\.\d MB\n {2}time +\d+\.\d s, peak memory \d+ MiB/);
  t.match(run.stderr, /^hearth convert: warning: .*llama-2.*--chat-template/);
  t.equal(run.stderr.trim().split('\n').length, 1);
  t.strictSame(readdirSync(cwd), ['a.gguf']);
  const { metadata } = await readGgufFile(path.join(cwd, 'a.gguf'));
  t.equal(metadata['general.name'], 'dense16, 35 % pruned', 'what it was made of, and how');
});

t.test('JSON is all of stdout', async (t) => {
  const cwd = t.testdir();
  const run = await hearth(['convert', tied, '--type', 'q8_0', '--name', 'Tied one', '--json'], {
    cwd,
  });
  t.equal(run.status, 0);
  const summary = JSON.parse(run.stdout);
  t.strictSame(readdirSync(cwd), ['Tied one-Q8_0.gguf']);
  t.match(summary, { type: 'Q8_0', architecture: 'deci' });
  t.equal(summary.size_bytes, statSync(path.join(cwd, 'Tied one-Q8_0.gguf')).size);
});

t.test('a plan prints every tensor, writes nothing and has the size of the file', async (t) => {
  const cwd = t.testdir();
  const text = await hearth(['convert', samplePath('appliance/pruned-50'), '--dry-run'], { cwd });
  t.equal(text.status, 0);
  t.match(text.stdout, /blk\.1\.ffn_down\.weight.*224 × 256.*n_ff 215 → 224/);
  t.match(text.stdout, /saved: .* against llama\.cpp's fallbacks/);
  t.match(text.stdout, 'fallbacks to a larger type: 2, as their rows are no whole blocks');
  for (const type of ['F32', 'Q4_K_M', 'Q2_K']) {
    const plan = await hearth(['convert', tied, '--type', type, '--dry-run', '--json'], { cwd });
    t.strictSame(readdirSync(cwd), []);
    const { file_bytes, tensors } = JSON.parse(plan.stdout);
    t.equal(tensors[0].name, 'token_embd.weight');
    const out = path.join(cwd, 'a.gguf');
    await hearth(['convert', tied, '--type', type, '-o', out]);
    t.equal(file_bytes, statSync(out).size, type);
    const { warnings } = JSON.parse(plan.stdout);
    const isPoor = warnings.some((text: string) =>
      /saves little on these widths.*memory in use/.test(text),
    );
    // Its rows are no whole blocks of a K-quant: Q2_K falls back wherever it would save.
    t.equal(isPoor, type === 'Q2_K', `${type} is told to be poor value`);
    rmSync(out);
  }
});

t.test('--max-size takes the best type that fits, or says what the smallest takes', async (t) => {
  const cwd = t.testdir();
  const fits = await hearth(['convert', dense, '--max-size', '5MB', '--json', '-o', 'a.gguf'], {
    cwd,
  });
  t.equal(fits.status, 0);
  t.ok(statSync(path.join(cwd, 'a.gguf')).size <= 5e6);
  t.equal(JSON.parse(fits.stdout).type, 'Q5_K_M');
  const none = await hearth(['convert', dense, '--max-size', '1MB'], { cwd });
  t.equal(none.status, 1);
  t.match(none.stderr, /fits no type within 1\.0 MB: Q2_K, the smallest, takes \d\.\d MB/);
  t.strictSame(readdirSync(cwd), ['a.gguf']);
});

t.test('usage mistakes exit with 2 and say what to write', async (t) => {
  const mistakes: [string[], RegExp][] = [
    [['convert'], /Not enough non-option arguments/],
    [['convert', tied, '--type', 'Q9'], /Q4_K_M/],
    [['convert', tied, '--max-size', 'huge'], /2\.5GB/],
    [['convert', tied, '--max-size', '1GB', '--type', 'F16'], /mutually exclusive/],
    [['convert', tied, '--threads', '0'], /--threads takes a whole number from 1/],
    [['convert', tied, '-o', 'a', '-o', 'b'], /given twice/],
    [['convert', tied, '--quantise'], /Unknown argument/],
  ];
  const cwd = t.testdir();
  for (const [args, message] of mistakes) {
    const run = await hearth(args, { cwd });
    t.equal(run.status, 2, args.join(' '));
    t.equal(run.stdout, '');
    t.match(run.stderr, message);
  }
  t.strictSame(readdirSync(cwd), []);
});

t.test('an existing file is replaced with --force only', async (t) => {
  const cwd = t.testdir({ 'a.gguf': 'precious' });
  const refused = await hearth(['convert', tied, '-o', 'a.gguf'], { cwd });
  t.equal(refused.status, 1);
  t.match(refused.stderr, 'a.gguf: exists already; pass --force to replace it');
  t.equal(readFileSync(path.join(cwd, 'a.gguf'), 'utf8'), 'precious');
  t.equal((await hearth(['convert', tied, '-o', 'a.gguf', '--force'], { cwd })).status, 0);
  t.equal(readFileSync(path.join(cwd, 'a.gguf')).subarray(0, 4).toString(), 'GGUF');
  t.strictSame(readdirSync(cwd), ['a.gguf']);
});

t.test('outputs that cannot be are refused, and inputs never overwritten', async (t) => {
  const cwd = t.testdir({ folder: {} });
  copyFileSync(path.join(tied, 'pytorch_model.bin'), path.join(cwd, 'in.bin'));
  symlinkSync('in.bin', path.join(cwd, 'link.gguf'));
  symlinkSync('.', path.join(cwd, 'here'));
  symlinkSync('nowhere.gguf', path.join(cwd, 'dangling.gguf'));
  const before = readFileSync(path.join(cwd, 'in.bin'));
  const refusals: [string, RegExp][] = [
    ['folder', /is a folder/],
    ['missing/a.gguf', /folder does not exist/],
    ['in.bin', /one of the files that are read/],
    ['here/in.bin', /one of the files that are read/],
    ['link.gguf', /one of the files that are read/],
    ['/dev/null', /not a regular file/],
    ['/proc/a.gguf', /cannot be written|free/],
  ];
  for (const [output, message] of refusals) {
    const run = await hearth(['convert', 'in.bin', '--force', '-o', output], { cwd });
    t.equal(run.status, 1, output);
    t.match(run.stderr, message);
    t.equal(run.stderr.match(/hearth: /g)?.length, 1, 'one message');
  }
  t.ok(before.equals(readFileSync(path.join(cwd, 'in.bin'))));
  t.strictSame(readdirSync(cwd).sort(), ['dangling.gguf', 'folder', 'here', 'in.bin', 'link.gguf']);
  t.strictSame(readdirSync(path.join(cwd, 'folder')), []);
});

t.test(
  'a folder without the right to write is refused',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  async (t) => {
    const cwd = t.testdir();
    mkdirSync(path.join(cwd, 'locked'), { mode: 0o500 });
    const run = await hearth(['convert', tied, '-o', 'locked/a.gguf'], { cwd });
    t.equal(run.status, 1);
    t.match(run.stderr, /cannot be written \(EACCES\)/);
  },
);

t.test(
  'a full disk is told before, and a limit while writing leaves nothing',
  { skip: process.platform === 'win32' },
  async (t) => {
    const cwd = t.testdir();
    // tap's own options would end the process on SIGXFSZ, which Node ignores.
    // 1 MiB a file: truncate() to the file's size already fails, or else a write does.
    const limited = `unset NODE_OPTIONS; ulimit -f 1024; trap '' XFSZ; exec "$0" "$@"`;
    const run = await runProgram(
      ['bash', '-c', limited, process.execPath, cli, 'convert', dense, '-o', 'a.gguf'],
      { cwd },
    );
    t.equal(run.status, 1);
    t.match(run.stderr, /a\.gguf: (cannot be written \(EFBIG\)|the file is larger)/);
    t.strictSame(readdirSync(cwd), []);
  },
);

const needsRoot = { skip: process.getuid?.() !== 0 && 'mounting needs root' };

t.test('a disk that is too small is told before anything is written', needsRoot, async (t) => {
  const small = await mountDisk(t, '2m');
  if (!small) return t.comment('no right to mount here');
  const run = await hearth(['convert', dense, '-o', path.join(small, 'a.gguf')]);
  t.equal(run.status, 1);
  t.match(run.stderr, /needs \d\.\d MB, but its disk has 2\.1 MB free/);
  t.strictSame(readdirSync(small), []);
});

t.test(
  'a disk that others fill meanwhile is told, and what was written removed',
  needsRoot,
  async (t) => {
    const small = await mountDisk(t, '16m');
    if (!small) return t.comment('no right to mount here');
    const output = path.join(small, 'a.gguf');
    const fill = () => writeFileSync(path.join(small, 'other'), Buffer.alloc(10 << 20));
    const converting = convert({
      checkpoint: dense,
      output,
      type: 'F16',
      onPlan: ignoreErrors(fill),
    });
    await t.rejects(converting, { code: 'HEARTH_OUTPUT', message: /disk/ });
    const later = convert({
      checkpoint: dense,
      output,
      type: 'F16',
      threads: 1,
      onPlan: () => rmSync(path.join(small, 'other')),
      onProgress: ignoreErrors(fill),
    });
    await t.rejects(later, { code: 'HEARTH_OUTPUT', message: /the disk is full; free some space/ });
    t.strictSame(readdirSync(small), ['other']);
  },
);

t.test('a missing checkpoint and a folder without one are told apart', async (t) => {
  const cwd = t.testdir({ empty: {} });
  const missing = await hearth(['convert', 'nothing'], { cwd });
  t.equal(missing.status, 1);
  t.match(missing.stderr, /^hearth: .*nothing: does not exist\n$/);
  const empty = await hearth(['convert', 'empty'], { cwd });
  t.equal(empty.status, 1);
  t.match(empty.stderr, /empty: has neither pytorch_model\.bin nor model\.safetensors/);
});

t.test('a vocabulary is asked for, and taken, where the checkpoint has none', async (t) => {
  const cwd = t.testdir();
  const old = samplePath('formats/f_old');
  const without = await hearth(['convert', old, '-o', 'a.gguf'], { cwd });
  t.equal(without.status, 1);
  t.match(without.stderr, /--tokenizer/);
  t.notOk(existsSync(path.join(cwd, 'a.gguf')));
  const given = path.join(old, 'given/tokenizer.model');
  t.equal(
    (await hearth(['convert', old, '--tokenizer', given, '-o', 'a.gguf'], { cwd })).status,
    0,
  );
});

t.test('a template is taken by name or from a file', async (t) => {
  const cwd = t.testdir({ 'mine.jinja': '{{ messages[0].content }}' });
  for (const template of ['llama-2', 'llama-3', 'alpaca', 'chatml', 'mine.jinja']) {
    const run = await hearth(
      ['convert', tied, '--chat-template', template, '-o', 'a.gguf', '--force'],
      { cwd },
    );
    t.equal(run.status, 0, template);
    t.notMatch(run.stderr, /pass --chat-template/);
  }
  const none = await hearth(['convert', tied, '--chat-template', 'no-such', '-o', 'b.gguf'], {
    cwd,
  });
  t.equal(none.status, 1);
  t.match(none.stderr, /no-such/);
});

t.test('a name with control characters does not reach the terminal raw', async (t) => {
  const cwd = t.testdir();
  const run = await hearth(['convert', 'no\u001b[31mthing'], { cwd });
  t.equal(run.status, 1);
  t.notMatch(run.stderr, '\u001b');
  writeFileSync(path.join(cwd, 'bad\u001b[2J.bin'), 'not a checkpoint');
  const bad = await hearth(['convert', 'bad\u001b[2J.bin'], { cwd });
  t.notMatch(bad.stderr, '\u001b');
});

/** A file system of `size` for the time of a test; null where this user may not mount. */
async function mountDisk(t: Test, size: string): Promise<string | null> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearth-disk-'));
  const mount = await runProgram(['mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  t.teardown(async () => {
    if (mount.status === 0) await runProgram(['umount', folder]);
    rmSync(folder, { recursive: true });
  });
  return mount.status === 0 ? folder : null;
}

function ignoreErrors(work: () => void): () => void {
  return () => {
    try {
      work();
    } catch {}
  };
}
