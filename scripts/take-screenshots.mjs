// npm run screenshots: the pictures of README and docs/, anew: the chat page, the dashboard and the report of
// hearth compare, of the real programs on the repository's own models, in the Chromium that the tests of the
// pages use. Japanese needs a font that has it, such as Debian's fonts-noto-cjk.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
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
const PHONE = { width: 390, height: 780 };
/** Those on the dashboard. */
const ANSWERS = 120;
const DAY_MS = 23.5 * 3_600_000;

const run = promisify(execFile);
const { stdout: fonts } = await run('fc-list', [':lang=ja']);
if (fonts === '') throw new Error('no font has Japanese; run apt-get install fonts-noto-cjk');
const executablePath = findTool('chromium');
if (executablePath === null) throw new Error(`${needsTool('chromium')} or CHROMIUM_PATH, its path`);
const folder = mkdtempSync(path.join(os.tmpdir(), 'hearth-screenshots-'));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const models = [];
  for (const name of APPLIANCES) models.push(await convertSample(name));
  await takePages(models[1]);
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

/** Of one server: the chat page, the same on a phone and in Japanese, and the dashboard of its answers. */
async function takePages(model) {
  const log = path.join(folder, 'log.db');
  const server = spawn(
    process.execPath,
    [CLI, 'serve', model, '--port', '0', '--log', log, '--gpu', 'off'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    const url = await urlOf(server);
    const chat = await takeChat(url);
    const kept = await chat.context().storageState({ indexedDB: true });
    const phone = { viewport: PHONE, isMobile: true, hasTouch: true, storageState: kept };
    await takePage(chat.url(), 'phone', { ...phone, colorScheme: 'dark' });
    await takePage(chat.url(), 'japanese', { ...phone, locale: 'ja-JP' });
    await askMore(url);
    spreadOverDay(log);
    await takePage(`${url}dashboard`, 'dashboard', { viewport: { width: 1280, height: 840 } });
  } finally {
    server.kill();
  }
}

async function takeChat(url) {
  const page = await openPage(url, { viewport: { width: 1000, height: 560 } });
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
  await page.screenshot({ path: picture('chat') });
  return page;
}

async function takePage(url, name, options) {
  const page = await openPage(url, options);
  await page.screenshot({ path: picture(name) });
  await page.context().close();
}

/** For a dashboard, which shows how answers differ. */
async function askMore(url) {
  for (let i = 0; i < ANSWERS; i++) {
    const messages = [{ role: 'user', content: CHATS[i % CHATS.length] }];
    const response = await fetch(`${url}v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages, max_tokens: 1 + ((i * 7) % 50) }),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}

/** Nobody waits for a day to pass: only the times of the answers are moved, not what they took. */
function spreadOverDay(log) {
  const db = new Database(log);
  const ids = db.prepare('SELECT id FROM request ORDER BY id').pluck().all();
  const move = db.prepare('UPDATE request SET started_at = ? WHERE id = ?');
  for (const [i, id] of ids.entries()) {
    const agoMs = ((ids.length - i) / ids.length) * DAY_MS;
    move.run(new Date(Date.now() - agoMs).toISOString(), id);
  }
  db.close();
}

function picture(name) {
  return path.join(PICTURES, `${name}.png`);
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
  await takePage(pathToFileURL(report).href, 'report', { viewport: { width: 1280, height: 840 } });
}

/** As the models saw questions and answers. */
function asChat(line) {
  const { q, a } = JSON.parse(line);
  return `[INST] ${q} [/INST] ${a}`;
}

async function openPage(url, options) {
  const context = await browser.newContext({ locale: 'en-GB', deviceScaleFactor: 1.5, ...options });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForLoadState('networkidle');
  return page;
}
