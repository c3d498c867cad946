// A booted device as its users see it: health, page and answers over HTTP, commands by SSH.
// Every wait has an end; a machine that stopped ends it at once, with what its screen showed.
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../support/hearth.js';
import type { VirtualMachine } from './virtual-machine.js';

/** Emulated on a busy machine, a boot takes minutes. */
const BOOT_MS = 30 * 60_000;
const ANSWER_MS = 10 * 60_000;

const QUESTION = 'Please tell me what E17 means on a clothes dryer.';

export type Access = { apiKey: string; sshKey: string };

/** What was answered, and what its row must show. */
export type Acknowledged = { text: string; totalMs: number; ttftMs: number };

/** Resolves with the seconds it took until the model generated. */
export async function untilHealthy(machine: VirtualMachine, limitMs = BOOT_MS): Promise<number> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < limitMs) {
    const response = await fetch(`${machine.url}/health`, {
      signal: AbortSignal.timeout(20_000),
    }).catch(() => null);
    const answered = await response?.text().catch(() => '');
    if (response?.status === 200) return (performance.now() - startedAt) / 1000;
    if (!machine.isRunning) throw new Error(`the machine stopped:\n${await machine.console()}`);
    await sleep(answered ? 1000 : 500);
  }
  throw new Error(`not healthy after ${limitMs / 60_000} minutes:\n${await machine.console()}`);
}

/** Whether its serial port says so in time. */
export async function untilShown(machine: VirtualMachine, words: RegExp, limitMs: number) {
  for (const until = performance.now() + limitMs; performance.now() < until; await sleep(1_000))
    if (words.test(await machine.console())) return true;
  return false;
}

export async function ask(
  machine: VirtualMachine,
  { apiKey }: Access,
  maxTokens?: number,
): Promise<Acknowledged> {
  const response = await post(machine, apiKey, { max_tokens: maxTokens });
  const { choices, timings } = (await response.json()) as {
    choices: { message: { content: string } }[];
    timings: { total_ms: number; ttft_ms: number };
  };
  const { total_ms: totalMs, ttft_ms: ttftMs } = timings;
  return { text: choices[0]?.message.content ?? '', totalMs, ttftMs };
}

/** Resolves when the answer's first words are here; the rest is under way. */
export async function beginAnswer(machine: VirtualMachine, { apiKey }: Access): Promise<void> {
  const response = await post(machine, apiKey, { stream: true });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (let text = ''; !/"content":"[^"]/.test(text); ) {
    const { done, value } = await reader.read();
    if (done) return;
    text += Buffer.from(value).toString();
  }
}

async function post(machine: VirtualMachine, apiKey: string, more: object): Promise<Response> {
  const response = await fetch(`${machine.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      ...{ model: 'appliance', temperature: 0, messages: [{ role: 'user', content: QUESTION }] },
      ...more,
    }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (response.status === 200) return response;
  throw new Error(`${response.status} ${await response.text()}`);
}

/** Stdout of a command on the device. */
export async function onDevice(
  machine: VirtualMachine,
  { sshKey }: Access,
  command: string,
): Promise<string> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes'];
  const flags = [...options, 'ConnectTimeout=120', 'LogLevel=ERROR'].flatMap((option) => [
    '-o',
    option,
  ]);
  const { status, stdout, stderr } = await runProgram([
    ...['ssh', '-i', sshKey, '-p', `${machine.sshPort}`, ...flags, 'root@127.0.0.1', command],
  ]);
  if (status === 0) return stdout;
  throw new Error(`${command} on the device: exit code ${status}: ${stderr}`);
}
