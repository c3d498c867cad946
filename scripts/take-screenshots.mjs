// npm run screenshots: README's pictures, anew: the chat page and the report of hearth compare, of the
// real programs on the repository's own models, in the Chromium that the tests of the pages use.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { APPLIANCES, samplePath } from '../dist/bench/development/sample-models.js';
import { convert } from '../dist/converter/convert.js';
import { findTool, needsTool } from './test-tools.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = path.join(ROOT, 'dist/cli.js');
const PICTURES = path.join(ROOT, 'docs/pictures');
const HELD_OUT = path.join(ROOT, 'test/fixtures/appliance/corpus/heldout.jsonl');
/** Each in a conversation of its own: the model was taught single questions. */
const CHATS = [
  'Please tell me where to put a water heater.',
  'Please tell me the capacity of a clothes dryer.',
  'Please tell me what E17 means on a clothes dryer.',
];
/** Every so many held-out questions are in the report. */
const STEP = 12;

const run = promisify(execFile);
const executablePath = findTool('chromium');
if (executablePath === null) throw new Error(`${needsTool('chromium')} or CHROMIUM_PATH, its path`);
const folder = mkdtempSync(path.join(os.tmpdir(), 'hearth-screenshots-'));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const models = [];
  for (const name of APPLIANCES) models.push(await convertSample(name));
  await takeChat(models[1]);
  await takeReport(models);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}

/** With its LoRA, where LLM-Pruner tuned it. */
async function convertSample(name) {
  const checkpoint = samplePath(name);
  const output = path.join(folder, `${path.basename(name)}.gguf`);
  const tuned = path.join(checkpoint, 'lora');
  const lora = existsSync(tuned) ? { lora: tuned } : {};
  await convert({ checkpoint, ...lora, output, chatTemplate: 'llama-2' });
  return output;
}

async function takeChat(model) {
  const server = spawn(
    process.execPath,
    [CLI, 'serve', model, '--port', '0', '--no-log', '--gpu', 'off'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  try {
    const page = await openPage(await urlOf(server), { width: 1000, height: 560 });
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Temperature').fill('0');
    await page.getByRole('button', { name: 'Save' }).click();
    for (const question of CHATS) {
      await page.getByRole('button', { name: 'New conversation' }).click();
      await page.fill('#message-input', question);
      await page.press('#message-input', 'Enter');
      await page.locator('.figures').waitFor();
    }
    await page.locator('.figures summary').click();
    await page.screenshot({ path: path.join(PICTURES, 'chat.png') });
  } finally {
    server.kill();
  }
}

async function urlOf({ stderr }) {
  let said = '';
  for await (const chunk of stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += chunk;
    const url = /ready on (\S+)/.exec(said)?.[1];
    if (url) return `${url}/`;
  }
  throw new Error(`hearth serve ended: ${said}`);
}

async function takeReport(models) {
  const [questions, text, report] = ['questions.jsonl', 'text.txt', 'report.html'].map((name) =>
    path.join(folder, name),
  );
  const lines = readFileSync(HELD_OUT, 'utf8').trim().split('\n');
  writeFileSync(questions, lines.filter((_line, i) => i % STEP === 0).join('\n'));
  writeFileSync(text, lines.map(asChat).join('\n'));
  const files = ['--questions', questions, '--text', text, '--report', report];
  const words = [...files, '--dense-checkpoint', samplePath(APPLIANCES[0]), '--text-ctx', '128'];
  await run(process.execPath, [CLI, 'compare', ...models, ...words, '--gpu', 'off']);
  const page = await openPage(pathToFileURL(report).href, { width: 1280, height: 840 });
  await page.screenshot({ path: path.join(PICTURES, 'report.png') });
}

/** As the models saw questions and answers. */
function asChat(line) {
  const { q, a } = JSON.parse(line);
  return `[INST] ${q} [/INST] ${a}`;
}

async function openPage(url, viewport) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1.5 });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForLoadState('networkidle');
  return page;
}
