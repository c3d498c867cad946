// npm run demo: a small LLM-Pruner checkpoint becomes a GGUF, and stock llama.cpp answers from it.
// Shows the whole way in seconds and without a download; the checkpoint lies beside this file.
// Leaves nothing behind; the command it ends with makes the same file to keep.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { interruptible } from '../../terminal/interruptible.js';
import {
  formatCount,
  formatDisk,
  formatMemory,
  formatPercent,
  formatSeconds,
} from '../../terminal/units.js';
import { type ConvertSummary, convert } from '../convert.js';
import { type Answerer, loadAnswerer } from './answerer.js';

const QUESTIONS = [
  'Please tell me the three important points to consider when creating an Android application',
  'Please tell me what E17 means on a clothes dryer.',
];

/** Sources lie in the package, this program in its dist. */
const packageRoot = path.resolve(import.meta.dirname, '../../..');
const CHECKPOINT = 'converter/demo/appliance-pruned-20';
const LORA = `${CHECKPOINT}/lora`;
// LLM-Pruner's tokenizers carry no template; this model was tuned on Llama 2's form.
const CHAT_TEMPLATE = 'llama-2';

try {
  await interruptible(runDemo);
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function runDemo(signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hearth-demo-'));
  try {
    print(strong('An LLM-Pruner checkpoint becomes a GGUF, and stock llama.cpp answers from it.'));
    print();
    printRow('checkpoint', `${CHECKPOINT}, with its LoRA`);
    const summary = await convertDemo(path.join(folder, 'appliance.gguf'), signal);
    printConversion(summary);
    await using answerer = await loadAnswerer(summary.output);
    for (const question of QUESTIONS) await answer(answerer, question, signal);
    printClosing();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function convertDemo(output: string, signal: AbortSignal): Promise<ConvertSummary> {
  return await convert({
    checkpoint: path.join(packageRoot, CHECKPOINT),
    lora: path.join(packageRoot, LORA),
    chatTemplate: CHAT_TEMPLATE,
    type: 'Q4_K_M',
    output,
    signal,
  });
}

function printConversion({ nParams, nParamsDense, ...summary }: ConvertSummary): void {
  const kept = nParamsDense
    ? ` of ${formatCount(nParamsDense)} (${formatPercent(nParams / nParamsDense)} kept)`
    : '';
  printRow('parameters', `${formatCount(nParams)}${kept}`);
  printRow('file', `${formatDisk(summary.sizeBytes)}, ${summary.fileType}`);
  printRow('converted in', formatSeconds(summary.durationMs));
}

async function answer(answerer: Answerer, question: string, signal: AbortSignal): Promise<void> {
  print();
  print(strong(question));
  process.stdout.write('  ');
  const onText = (part: string) => process.stdout.write(part.replaceAll('\n', '\n  '));
  const { nTokens, ttftMs, tokensPerSecond } = await answerer.ask(question, onText, signal);
  print();
  print(
    quiet(
      `  first token after ${Math.round(ttftMs)} ms · ${Math.round(tokensPerSecond)} tokens per second · ${nTokens} tokens`,
    ),
  );
}

function printClosing(): void {
  print();
  printRow('peak memory', `${formatMemory(peakRssBytes())}, converter and llama.cpp together`);
  print();
  print(quiet('The file is gone again. This makes it to keep:'));
  print(
    `  npx hearth convert ${CHECKPOINT} --lora ${LORA} --chat-template ${CHAT_TEMPLATE} -o appliance.gguf`,
  );
}

function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function printRow(label: string, value: string): void {
  print(`  ${quiet(label.padEnd(12))}  ${value}`);
}

function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function strong(text: string): string {
  return isColoured() ? styleText('bold', text) : text;
}

function quiet(text: string): string {
  return isColoured() ? styleText('dim', text) : text;
}

function isColoured(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors();
}
