import './support/bare-children.js';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { FILE_TYPES } from '../model/types/mixtures.js';
import { runEngine, runServer } from './runtime/server/running-server.js';
import { loadModel } from './support/llama-logits.js';
import { packageRoot } from './support/samples.js';

const run = promisify(execFile);
const readme = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
const packageJson = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const cli = path.join(packageRoot, 'dist/cli.js');

const env = { ...process.env, XDG_STATE_HOME: t.testdir() };

const hearth = async (words: string[], cwd = packageRoot) =>
  await run(process.execPath, [cli, ...words], { cwd, env });

t.test('every code block is of a kind that is tested here', (t) => {
  const kinds = [...readme.matchAll(/^```(\w*)\n[\s\S]*?^```$/gm)].map(([, kind]) => kind);
  t.same([...new Set(kinds)].sort(), ['sh', 'ts']);
  t.end();
});

t.test('every command of a shell block works', async (t) => {
  const folder = checkoutFolder(t.testdir());
  for (const line of blocks('sh').flatMap(commandsOf)) {
    const words = splitWords(line);
    if (words[0] === 'npm') t.ok(words[1] === 'ci' || script(words) !== undefined, line);
    else if (words[0] === 'npx') {
      t.equal(words[1], 'hearth', line);
      await t.resolves(hearth(words.slice(2), folder), line);
    } else {
      t.equal(words[0], 'llama-cli', `${line} is known to this test`);
      await using loaded = await loadModel(path.join(folder, words[2] ?? ''));
      t.match(loaded.model.fileInfo.metadata.general.architecture, 'deci', line);
    }
  }
});

t.test("continuous integration runs the README's test command", (t) => {
  const [, tests = ''] = blocks('sh');
  const ci = readFileSync(path.join(packageRoot, '.ci/run'), 'utf8');
  for (const command of commandsOf(tests)) t.match(ci, new RegExp(`^${command}\\b`, 'm'));
  t.end();
});

t.test('the library example compiles and runs', async (t) => {
  const [example = ''] = blocks('ts');
  const folder = checkoutFolder(t.testdir());
  writeFileSync(path.join(folder, 'example.ts'), example);
  const tsc = path.join(packageRoot, 'node_modules/typescript/bin/tsc');
  const strict = '--strict --exactOptionalPropertyTypes --module nodenext --target es2023';
  const options = `${strict} --types node --skipLibCheck --ignoreConfig`.split(' ');
  await run(process.execPath, [tsc, ...options, 'example.ts'], { cwd: folder });
  const { stdout, stderr } = await run(process.execPath, ['example.js'], { cwd: folder });
  t.match(stdout, /^\d+ \{.*Q4_K.*\} 6\n$/s);
  t.match(stderr, /100 %\n$/);
});

t.test('the tables name every command, type and no option that is not there', async (t) => {
  const { stdout: help } = await hearth(['--help']);
  const inHelp = [...help.matchAll(/^ {2}hearth (\w+)(?: [<[]| {2})/gm)].map(([, name]) => name);
  const inTable = [...readme.matchAll(/^\| `hearth (\w+)[^`]*` +\|/gm)].map(([, name]) => name);
  t.same(inTable.sort(), [...new Set(inHelp)].sort());
  const rows = section('Types').matchAll(/^\| ([A-Z][A-Z\d_]+) +\|/gm);
  t.same(
    [...rows].map(([, type]) => type),
    FILE_TYPES,
  );
  for (const command of new Set(inHelp)) {
    const { stdout: help } = await hearth([command ?? '', '--help']);
    for (const [option] of section(command ?? '').matchAll(/(?<=`)--?[a-z][a-z-]*/g)) {
      const name = new RegExp(`${option.replace('--no-', '--(no-)?')}\\b`);
      t.match(help, name, `${command} ${option}`);
    }
  }
});

t.test('the server answers at every path that it names', async (t) => {
  const server = await runServer(t, await runEngine(t));
  const paths = [...section('serve').matchAll(/(?<=`)(GET|POST) (\/[\w/-]+)(?=`)/g)];
  t.ok(paths.length > 10);
  const emptyBody = (path: string): number => (path === '/v1/embeddings' ? 501 : 400);
  for (const [, method = '', path = ''] of [
    ...paths,
    ['', 'GET', '/'],
    ['', 'GET', '/dashboard'],
  ]) {
    const { status } = await fetch(new URL(path, server.url), { method });
    t.equal(status, method === 'GET' ? 200 : emptyBody(path), `${method} ${path}`);
  }
});

t.test('files and scripts that it names are there', (t) => {
  for (const [, target = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
    t.ok(existsSync(path.join(packageRoot, target)), target);
  for (const [command] of readme.matchAll(/npm (?:run [\w:-]+|test)/g))
    t.ok(script(command.split(' ')), command);
  t.end();
});

t.test('the measured size is what a plan says', async (t) => {
  const checkpoint = 'converter/demo/appliance-pruned-20';
  const { stdout } = await hearth(['convert', checkpoint, '--dry-run', '--json']);
  const plan = JSON.parse(stdout);
  t.match(section('Measured'), `${(plan.file_bytes / 1e6).toFixed(1)} MB, ${millions(plan)}`);
});

function millions(plan: { parameters: number; parameters_unpruned: number }): string {
  const [kept, all] = [plan.parameters, plan.parameters_unpruned].map((n) => (n / 1e6).toFixed(2));
  return `${kept} M of ${all} M parameters`;
}

/** An empty folder in which the README's relative paths lead to the same files. */
function checkoutFolder(folder: string): string {
  mkdirSync(path.join(folder, 'converter'));
  symlinkSync(path.join(packageRoot, 'converter/demo'), path.join(folder, 'converter/demo'));
  return folder;
}

function blocks(kind: string): string[] {
  const found = readme.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...found].map(([, text = '']) => text);
}

/** Lines joined where they end with a backslash, split where && joins them. */
function commandsOf(block: string): string[] {
  const lines = block.replaceAll(/\\\n\s*/g, '').split(/\n|&&/);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}

/** Words as bash splits them. */
function splitWords(line: string): string[] {
  const words = execFileSync('bash', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
  return words.trimEnd().split('\n');
}

function script(words: string[]): string | undefined {
  return packageJson.scripts[(words[1] === 'run' ? words[2] : words[1]) ?? ''];
}

function section(title: string): string {
  const [, text = ''] = readme.split(new RegExp(`^#+ ${title}$`, 'm'));
  return text.split(/^#/m)[0] as string;
}
