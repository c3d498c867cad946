import t from 'tap';
import { childrenOf } from '../../support/processes.js';
import { holdAnswer, metric, post, runEngine, runServer, until } from './running-server.js';

const running = await runEngine(t, { nCtx: 4096 });
const messages = [{ role: 'user', content: 'Hello' }];

t.test('each metric is there and says what happened', async (t) => {
  const { url } = await runServer(t, running);
  const chat = `${url}/v1/chat/completions`;
  const answer = (await (
    await post(chat, { messages, max_tokens: 8, logit_bias: { 2: -100 } })
  ).json()) as {
    usage: { prompt_tokens: number; completion_tokens: number };
  };
  const { prompt_tokens: prompt, completion_tokens: generated } = answer.usage;
  await post(chat, { messages, max_tokens: 8, grammar: 'root ::= (' });
  await post(chat, { messages, n: -1 });
  for (const [name, value] of [
    ['ttft_seconds_count', 1],
    ['request_seconds_count', 1],
    ['queue_seconds_count', 1],
    ['prompt_tokens_total', prompt],
    ['generated_tokens_total', generated],
    ['requests_total', 2],
    ['dropped_turns_total', 0],
    ['engine_restarts_total', 0],
    ['engine_ready', 1],
    ['slots', 2],
    ['slots_busy', 0],
    ['requests_under_way', 0],
    ['kv_tokens', 2 * 4096],
    ['log_unwritten_rows', 0],
  ] as const)
    t.equal(await metric(url, `hearth_${name}`), value, name);
  // As the Gateway API's inference extension reads them; an idle server is not full of what it cached.
  for (const name of ['num_requests_waiting', 'num_requests_running', 'kv_cache_usage_perc'])
    t.equal(await metric(url, `vllm:${name}`), 0, name);
  // Tokens that make one character arrive together.
  const pauses = await metric(url, 'hearth_inter_token_seconds_count');
  t.ok(pauses > 0 && pauses < generated, `${pauses} pauses between ${generated} tokens`);
  for (const name of ['rss_bytes', 'server_rss_bytes'])
    t.ok((await metric(url, `hearth_${name}`)) > 2 ** 20, name);
  const text = await (await fetch(`${url}/metrics`)).text();
  t.match(text, 'requests_total{endpoint="/v1/chat/completions",outcome="HEARTH_BAD_REQUEST"} 1');
  t.match(text, 'hearth_http_responses_total{status="400"} 2');
  t.match(text, '# TYPE hearth_device_memory_bytes gauge');
});

t.test('gauges follow an answer under way, counters what was cut', async (t) => {
  const { url } = await runServer(t, running);
  const held = await holdAnswer(url);
  t.equal(await metric(url, 'hearth_slots_busy'), 1);
  t.equal(await metric(url, 'hearth_requests_under_way'), 1);
  const used = await metric(url, 'hearth_kv_used_tokens');
  await until(async () => (await metric(url, 'hearth_kv_used_tokens')) > used);
  t.equal(await metric(url, 'vllm:num_requests_running'), 1);
  const share = await metric(url, 'vllm:kv_cache_usage_perc');
  t.ok(share > 0 && share < 0.5, `${share} of the cache is in use`);
  const second = await holdAnswer(url);
  const third = post(`${url}/v1/chat/completions`, { messages, max_tokens: 1 });
  await until(async () => (await metric(url, 'vllm:num_requests_waiting')) === 1);
  held.leave();
  second.leave();
  await third;
  await until(async () => (await metric(url, 'hearth_slots_busy')) === 0);
  const turns = Array.from({ length: 500 }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: 'The oven is clean and warm now.',
  }));
  const cut = await post(`${url}/v1/chat/completions`, {
    messages: [...turns, ...messages],
    max_tokens: 1,
    overflow: 'drop-oldest',
  });
  const { hearth } = (await cut.json()) as { hearth: { dropped_turns: number } };
  t.ok(hearth.dropped_turns > 0);
  t.equal(await metric(url, 'hearth_dropped_turns_total'), hearth.dropped_turns);
});

t.test('restarts are counted', { skip: process.platform !== 'linux' }, async (t) => {
  const { url } = await runServer(t, running);
  for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
  await until(async () => (await metric(url, 'hearth_engine_ready')) === 0);
  await until(async () => (await metric(url, 'hearth_engine_ready')) === 1);
  t.equal(await metric(url, 'hearth_engine_restarts_total'), 1);
});
