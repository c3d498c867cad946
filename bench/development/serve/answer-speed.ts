// One answer's speed, by the server's own timings, which no client can slow down.
import { question, REPEATED_BIAS, REPEATED_TOKEN } from './setting.js';

/** Tokens a second. */
export type AnswerSpeed = { answer: number; prompt: number };

/** Sentences that make a prompt worth measuring. */
const SENTENCES = 8;

export async function askSpeed(
  url: string,
  round: number,
  maxTokens: number,
): Promise<AnswerSpeed> {
  const text = Array.from({ length: SENTENCES }, (_, i) => question(round, i)).join(' ');
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt: text,
      max_tokens: maxTokens,
      temperature: 0,
      logit_bias: { [REPEATED_TOKEN]: REPEATED_BIAS },
    }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const { timings } = (await response.json()) as {
    timings: { predicted_per_second: number; prompt_per_second: number };
  };
  return { answer: timings.predicted_per_second, prompt: timings.prompt_per_second };
}
