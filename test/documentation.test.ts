// README and the pages of docs/ are what the program does: every sh and ts block is run, and every
// option that they name is in that command's help. A console block shows what no test can run (it
// downloads, needs root, or does not end): of it, the options are checked.
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { samplePath } from '../bench/development/sample-models.js';
import { convert } from '../converter/convert.js';
import { FILE_TYPES } from '../model/types/mixtures.js';
import { runEngine, runServer } from './runtime/server/running-server.js';
import { loadModel } from './support/llama-logits.js';
import { packageRoot } from './support/samples.js';

const run = promisify(execFile);
const read = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8');
const markdownIn = (folder: string) =>
  readdirSync(path.join(packageRoot, folder)).filter((name) => name.endsWith('.md'));
const packageJson = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** What a user reads. */
const pages = ['README.md', ...markdownIn('docs').map((name) => `docs/${name}`)];
/** And what someone reads who works on hearth: files and scripts that it names are checked. */
const allPages = [...new Set([...pages, ...markdownIn('.')])];

const DEMO = 'converter/demo/appliance-pruned-20';
const MODELS = {
  'appliance.gguf': path.join(packageRoot, DEMO),
  'dense.gguf': samplePath('appliance/dense'),
};
type Test = Pick<typeof t, 'match'>;
const cli = path.join(packageRoot, 'dist/cli.js');
const env = { ...process.env, XDG_STATE_HOME: t.testdir() };
const server = await runServer(t, await runEngine(t));
const { stdout: mainHelp, stderr: besideHelp } = await run(process.execPath, [cli, '--help']);
const commands = new Set(
  [...mainHelp.matchAll(/^ {2}hearth ([\w-]+)(?: [<[]| {2})/gm)].map(([, name = '']) => name),
);
/** Each is asked for once. */
const helps = new Map<string, Promise<string>>();

t.test('every code block is of a kind that is tested here', (t) => {
  for (const page of pages)
    for (const { kind } of blocks(page)) t.ok(['sh', 'ts', 'console'].includes(kind), page);
  t.end();
});

for (const page of pages)
  t.test(`${page}: every sh and ts block works`, async (t) => {
    const folder = await checkoutFolder(t.testdir(), page);
    await compileExamples(folder, page);
    for (const { kind, text } of blocks(page)) {
      if (kind === 'ts') await runExample(t, folder, text);
      if (kind !== 'sh') continue;
      for (const line of commandsOf(text)) await t.resolves(runLine(line, folder), line);
    }
  });

t.test("continuous integration runs the README's test command", (t) => {
  const [, tests] = blocks('README.md');
  const lines = commandsOf(tests?.text ?? '');
  t.same(lines, ['npm ci', 'npm test']);
  for (const line of lines) t.match(read('.ci/run'), new RegExp(`^${line}\\b`, 'm'));
  t.end();
});

t.test('options stand in the help of the command that they are named for', async (t) => {
  for (const page of pages) {
    for (const [call, name = ''] of read(page).matchAll(/\bhearth ([\w-]+)\b[^`\n|]*/g))
      for (const [option] of call.matchAll(/(?<=\s)--?[a-z][a-z-]*/g))
        if (commands.has(name)) t.match(await helpOf(name), inHelp(option), `${page}: ${call}`);
    for (const section of read(page).split(/^(?=#+ )/m)) {
      const named = commandsIn(section).length > 0 ? commandsIn(section) : commandsIn(read(page));
      const help = (await Promise.all(named.map(helpOf))).join('\n');
      for (const [option] of section.matchAll(/(?<=`)--?[a-z][a-z-]*/g))
        t.match(help, inHelp(option), `${page}, ${section.split('\n')[0]}: ${option}`);
    }
  }
});

t.test('help has an example for each command, here and in the command itself', async (t) => {
  const [, examples = ''] = mainHelp.split('Examples:');
  t.equal(besideHelp, '');
  t.ok(commands.size > 3);
  for (const name of commands) {
    t.match(examples, `  hearth ${name} `, name);
    if (name !== 'completion') t.match(await helpOf(name), /Examples:\n {2}hearth/, name);
  }
});

t.test('the tables name every command, and every type', (t) => {
  const table = [...read('README.md').matchAll(/^\| `hearth ([\w-]+)[^`]*` +\|/gm)];
  t.same(table.map(([, name]) => name).sort(), [...commands].sort());
  const types = [...section('docs/convert.md', 'Types').matchAll(/^\| ([A-Z][A-Z\d_]+) +\|/gm)];
  t.same(
    types.map(([, type]) => type),
    FILE_TYPES,
  );
  t.end();
});

t.test('the server answers at every path that is named', async (t) => {
  const named = [...read('docs/chat-and-serve.md').matchAll(/(?<=`)(GET|POST) (\/[\w/-]+)(?=`)/g)];
  t.ok(named.length > 10);
  const emptyBody = (path: string): number => (path === '/v1/embeddings' ? 501 : 400);
  for (const [, method = '', path = ''] of [
    ...named,
    ['', 'GET', '/'],
    ['', 'GET', '/dashboard'],
  ]) {
    const { status } = await fetch(new URL(path, server.url), { method });
    t.equal(status, method === 'GET' ? 200 : emptyBody(path), `${method} ${path}`);
  }
});

t.test('files, headings and scripts that are named are there', (t) => {
  for (const page of allPages) {
    for (const [, target = '', heading] of read(page).matchAll(
      /\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g,
    )) {
      const file = target === '' ? page : path.join(path.dirname(page), target);
      t.ok(existsSync(path.join(packageRoot, file)), `${page}: ${target}`);
      if (heading !== undefined) t.ok(headingsOf(file).includes(heading), `${target}#${heading}`);
    }
    for (const [, name = ''] of read(page).matchAll(
      /`((?:[\w.-]+\/)+[\w.-]+\.(?:test\.)?(?:ts|mjs|json|md))`/g,
    ))
      t.ok(existsSync(path.join(packageRoot, name)), `${page}: ${name}`);
    for (const [command] of read(page).matchAll(/npm (?:run [\w:-]+|test)/g))
      t.ok(script(command.split(' ')), `${page}: ${command}`);
  }
  t.end();
});

t.test('the README is short, and its pictures are small', (t) => {
  t.ok(read('README.md').trimEnd().split('\n').length <= 130);
  const pictures = [...read('README.md').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)];
  t.equal(pictures.length, 3);
  for (const [, picture = ''] of pictures)
    t.ok(readFileSync(path.join(packageRoot, picture)).byteLength < 300_000, picture);
  t.end();
});

t.test('the measured size is what a plan says', async (t) => {
  const { stdout } = await run(process.execPath, [cli, 'convert', DEMO, '--dry-run', '--json'], {
    cwd: packageRoot,
  });
  const plan = JSON.parse(stdout);
  for (const page of ['README.md', 'docs/convert.md'])
    t.match(
      section(page, 'Measured'),
      `${(plan.file_bytes / 1e6).toFixed(1)} MB, ${millions(plan)}`,
    );
});

function millions(plan: { parameters: number; parameters_unpruned: number }): string {
  const [kept, all] = [plan.parameters, plan.parameters_unpruned].map((n) => (n / 1e6).toFixed(2));
  return `${kept} M of ${all} M parameters`;
}

/** A folder in which relative paths lead to a checkout's files, with the models that a page speaks of. */
async function checkoutFolder(folder: string, page: string): Promise<string> {
  mkdirSync(path.join(folder, 'converter'));
  symlinkSync(path.join(packageRoot, 'converter/demo'), path.join(folder, 'converter/demo'));
  for (const [name, checkpoint] of Object.entries(MODELS)) {
    const output = path.join(folder, name);
    const isMade = read(page).includes(`-o ${name}`) || !read(page).includes(name);
    if (!isMade) copyFileSync(await converted(checkpoint), output);
  }
  return folder;
}

/** Each is made once. */
async function converted(checkpoint: string): Promise<string> {
  const output = path.join(env.XDG_STATE_HOME, `of-pages-${path.basename(checkpoint)}.gguf`);
  if (!existsSync(output))
    await convert({ checkpoint, output, chatTemplate: 'llama-2', threads: 1 });
  return output;
}

async function runLine(line: string, folder: string): Promise<void> {
  const [program] = line.split(' ');
  if (program === 'npm') return script(line.split(' ')) ? undefined : unknown(line);
  if (program === 'curl') return await post(await splitWords(line));
  if (program === 'llama-cli') return await loadDeci(path.join(folder, line.split(' ')[2] ?? ''));
  if (!/(^|\| )npx hearth\b/.test(line)) unknown(line);
  const npx = `npx() { shift; '${process.execPath}' '${cli}' "$@"; }`;
  const running = run('bash', ['-o', 'pipefail', '-c', `${npx}; ${line}`], { cwd: folder, env });
  running.child.stdin?.end();
  await running;
}

async function loadDeci(file: string): Promise<void> {
  await using loaded = await loadModel(file);
  if (!loaded.type.startsWith('deci ')) unknown(file);
}

function unknown(line: string): never {
  throw new Error(`this test does not know what to do with: ${line}`);
}

/** curl's request, to the server of this test. */
async function post([, url = '', ...words]: string[]): Promise<void> {
  const { pathname } = new URL(url);
  const body = words[words.indexOf('-d') + 1] ?? '';
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { ok, status } = await fetch(new URL(pathname, server.url), {
    ...{ method: 'POST', headers, body },
  });
  if (!ok) throw new Error(`${pathname} answered ${status}`);
}

/** All of a page at once: most of it is reading the types that they import. */
async function compileExamples(folder: string, page: string): Promise<void> {
  const sources = blocks(page).filter(({ kind }) => kind === 'ts');
  if (sources.length === 0) return;
  const names = sources.map(({ text }) => exampleName(text));
  for (const [i, { text }] of sources.entries())
    writeFileSync(path.join(folder, `${names[i]}.ts`), text);
  const tsc = path.join(packageRoot, 'node_modules/typescript/bin/tsc');
  const strict = '--strict --exactOptionalPropertyTypes --module nodenext --target es2023';
  const options = `${strict} --types node --skipLibCheck --ignoreConfig`.split(' ');
  const files = names.map((name) => `${name}.ts`);
  await run(process.execPath, [tsc, ...options, ...files], { cwd: folder });
}

async function runExample(t: Test, folder: string, source: string): Promise<void> {
  const words = [`${exampleName(source)}.js`];
  const { stdout, stderr } = await run(process.execPath, words, { cwd: folder });
  if (source.includes('inspect')) {
    t.match(stdout, /^\d+ \{.*Q4_K.*\} 6\n$/s);
    t.match(stderr, /100 %\n$/);
  } else t.match(stdout, /^fits \d+ \d+\n$/);
}

function exampleName(source: string): string {
  return source.includes('inspect') ? 'convert-example' : 'fit-example';
}

function blocks(page: string): { kind: string; text: string }[] {
  const found = read(page).matchAll(/^```(.*)\n([\s\S]*?)^```$/gm);
  return [...found].map(([, kind = '', text = '']) => ({ kind, text }));
}

/** Lines joined where they end with a backslash, split where && joins them. */
function commandsOf(block: string): string[] {
  const lines = block.replaceAll(/\\\n\s*/g, '').split(/\n|&&/);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

/** Words as bash splits them. */
async function splitWords(line: string): Promise<string[]> {
  const { stdout } = await run('bash', ['-c', `printf '%s\\n' ${line}`]);
  return stdout.trimEnd().split('\n');
}

function script(words: string[]): string | undefined {
  const name = words[1] === 'run' ? words[2] : words[1];
  return name === 'ci' ? 'npm ci' : packageJson.scripts[name ?? ''];
}

function commandsIn(text: string): string[] {
  const named = [...text.matchAll(/\bhearth ([\w-]+)/g)].map(([, name = '']) => name);
  return [...new Set(named)].filter((name) => commands.has(name));
}

async function helpOf(command: string): Promise<string> {
  const asked = helps.get(command) ?? askHelp(command);
  helps.set(command, asked);
  return await asked;
}

async function askHelp(command: string): Promise<string> {
  const { stdout } = await run(process.execPath, [cli, command, '--help']);
  const { stdout: more } =
    command === 'results'
      ? await run(process.execPath, [cli, command, 'table', '--help'])
      : { stdout: '' };
  return stdout + more;
}

function inHelp(option: string): RegExp {
  return new RegExp(`${option.replace('--no-', '--(no-)?')}\\b`);
}

function section(page: string, title: string): string {
  const [, text = ''] = read(page).split(new RegExp(`^#+ ${title}$`, 'm'));
  return text.split(/^#/m)[0] as string;
}

/** As GitHub spells them in links. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}
