import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { packageRoot } from './support/samples.js';

const run = promisify(execFile);
const packageJson = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as {
  version: string;
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
};
const cli = path.join(packageRoot, packageJson.bin['hearth'] as string);

type PackedFile = { path: string; mode: number };
const packed = listPacked();

async function hearth(...words: string[]) {
  try {
    return { status: 0, ...(await run(process.execPath, [cli, ...words])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

t.test('the tarball holds what runs and nothing of the tests', async (t) => {
  const files = await packed;
  const paths = files.map((file) => file.path);
  const demo = 'converter/demo/appliance-pruned-20';
  for (const wanted of [
    'LICENSE',
    'README.md',
    'package.json',
    'dist/cli.js',
    'dist/bench/compare/report/page/page.css',
    'dist/bench/compare/report/page/page.js',
    'dist/converter/demo/demo.js',
    'dist/devices/catalogue/devices.json',
    'dist/devices/catalogue/devices.schema.json',
    `${demo}/pytorch_model.bin`,
    `${demo}/description.txt`,
    `${demo}/lora/adapter_model.bin`,
    `${demo}/lora/adapter_config.json`,
  ])
    t.ok(paths.includes(wanted), wanted);
  const isForeign =
    /(^|\/)(test|fixtures|scripts|development|\.\w[^/]*)\/|\.map$|\.tsbuildinfo$|\.gguf$/;
  const isSource = /(?<!\.d)\.ts$/;
  t.same(
    paths.filter((file) => isForeign.test(file) || isSource.test(file)),
    [],
  );
  t.equal((files.find((file) => file.path === 'dist/cli.js')?.mode ?? 0) & 0o111, 0o111);
});

t.test(
  'every export is packed, typed and loads; every folder with an index is exported',
  async (t) => {
    const paths = (await packed).map((file) => `./${file.path}`);
    for (const [name, target] of Object.entries(packageJson.exports)) {
      if (typeof target === 'string') continue;
      t.ok(paths.includes(target.types), `${name} has types`);
      t.ok(paths.includes(target.default), `${name} has code`);
      await t.resolves(import(`hearth/${path.basename(name)}`), name);
    }
    const folders = readdirSync(packageRoot, { withFileTypes: true }).filter((entry) =>
      existsSync(path.join(packageRoot, entry.name, 'index.ts')),
    );
    t.same(
      Object.keys(packageJson.exports).sort(),
      ['./package.json', ...folders.map(({ name }) => `./${name}`)].sort(),
    );
  },
);

t.test('the command is bundled, and its chunks know where hearth lies', async (t) => {
  const chunks = (await packed).filter(({ path }) => /^dist\/(cli|chunks\/.*)\.js$/.test(path));
  t.ok(chunks.length > 1);
  for (const { path: file } of chunks)
    t.notMatch(
      readFileSync(path.join(packageRoot, file), 'utf8'),
      /@hearth-dist@|from "\.[^"]*\/(?!chunk)\w+\/|from "yargs/,
      file,
    );
});

t.test('--version is the version of package.json', async (t) => {
  t.match(await hearth('--version'), { status: 0, stdout: `${packageJson.version}\n` });
});

t.test('wrong usage exits with 2 and names the mistake in one line', async (t) => {
  const mistakes: [words: string[], message: RegExp][] = [
    [[], /^hearth: Name a command; see hearth --help\.\n$/],
    [['convrt', 'x'], /^hearth: .*convert.*\n$/],
    [['nosuch'], /^hearth: .*nosuch.*\n$/],
    [['inspect'], /^hearth: .*need at least 1\n$/],
  ];
  for (const [words, message] of mistakes)
    t.match(await hearth(...words), { status: 2, stdout: '', stderr: message }, words.join(' '));
});

t.test('completion prints a script and answers it', async (t) => {
  const { stdout } = await hearth('completion');
  t.match(stdout, 'complete -o bashdefault');
  t.match((await hearth('--get-yargs-completions', 'hearth', '')).stdout, /convert\ninspect\n/);
});

t.test('npx runs it in a checkout', async (t) => {
  const { stdout } = await run('npx', ['--offline', 'hearth', '--version'], { cwd: packageRoot });
  t.equal(stdout, `${packageJson.version}\n`);
});

/** npm 10 prints a list of packages, npm 11 may print them by name. */
async function listPacked(): Promise<PackedFile[]> {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await run('npm', words, { cwd: packageRoot, maxBuffer: 64 << 20 });
  const [packed] = Object.values(JSON.parse(stdout)) as { files: PackedFile[] }[];
  return packed?.files ?? [];
}
