import OpenAI from 'openai';
import t from 'tap';
import { needs } from '../../support/needs.js';
import { readReference } from '../../support/samples.js';
import { sqlite3 } from '../log/log-rows.js';
import { post, runEngine, runServer } from './running-server.js';

const skip = needs('sqlite3');

const running = await runEngine(t);
const { url, logPath } = await runServer(t, running, { keepText: true });
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const [reference] = readReference('appliance/dense').prompts;
const question = reference?.question ?? '';
const messages = [{ role: 'user' as const, content: question }];
const greedy = { model: 'dense', temperature: 0, messages };

t.test(
  'the answer is what PyTorch answers, with usage, timings and memory',
  { skip },
  async (t) => {
    const answer = await client.chat.completions.create({ ...greedy, max_tokens: 24 });
    const [choice] = answer.choices;
    t.match(reference?.greedy_text.trim(), choice?.message.content?.trim() ?? 'nothing');
    t.equal(choice?.finish_reason, 'length');
    t.equal(answer.usage?.prompt_tokens, reference?.tokens.length);
    t.equal(answer.usage?.completion_tokens, 24);
    t.match(answer, {
      object: 'chat.completion',
      model: 'dense',
      timings: {
        ...{ predicted_n: 24, prompt_ms: Number, ttft_ms: Number, queue_ms: Number },
        cache_n: Number,
      },
      hearth: {
        stop_reason: 'length',
        dropped_turns: 0,
        memory: { rss_bytes: Number, n_ctx: 512 },
      },
    });
    const [row] = sqlite3(logPath, 'SELECT * FROM answers ORDER BY id DESC LIMIT 1');
    t.match(row, {
      endpoint: '/v1/chat/completions',
      prompt_tokens: reference?.tokens.length,
      generated_tokens: 24,
      stop_reason: 'length',
      error_code: null,
      prompt: JSON.stringify(messages),
      answer: choice?.message.content,
      n_ctx: 512,
      backend: 'cpu',
      hearth_version: '0.0.0-test',
    });
  },
);

t.test('streamed and whole answers have the same text, reason and usage', async (t) => {
  const whole = await client.chat.completions.create({ ...greedy, max_tokens: 24 });
  const stream = await client.chat.completions.create({
    ...greedy,
    max_tokens: 24,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let reason: string | null | undefined;
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    reason ??= chunk.choices[0]?.finish_reason;
    usage = chunk.usage;
  }
  t.equal(text, whole.choices[0]?.message.content);
  t.equal(reason, 'length');
  t.equal(usage?.total_tokens, whole.usage?.total_tokens);
});

t.test('with include_usage every chunk has usage, null but in the last', async (t) => {
  const options = { max_tokens: 2, stream: true, stream_options: { include_usage: true } } as const;
  for (const stream of [
    await client.chat.completions.create({ ...greedy, ...options }),
    await client.completions.create({ model: 'dense', prompt: 'Two', ...options }),
  ]) {
    const usages: unknown[] = [];
    for await (const chunk of stream) usages.push('usage' in chunk ? chunk.usage : 'missing');
    t.match(usages.pop(), { completion_tokens: 2 });
    t.ok(usages.length > 1);
    t.ok(usages.every((usage) => usage === null));
  }
});

t.test('the stream ends with [DONE]', async (t) => {
  const response = await post(`${url}/v1/chat/completions`, {
    messages,
    stream: true,
    max_tokens: 2,
  });
  t.match(response.headers.get('content-type'), 'text/event-stream');
  t.ok((await response.text()).endsWith('data: [DONE]\n\n'));
});

t.test('a stop string ends the answer and is not in it', async (t) => {
  const whole = await client.chat.completions.create({ ...greedy, max_tokens: 24 });
  const word = whole.choices[0]?.message.content?.split(' ')[2] ?? '';
  const cut = await client.chat.completions.create({ ...greedy, max_tokens: 24, stop: word });
  t.equal(cut.choices[0]?.finish_reason, 'stop');
  t.notMatch(cut.choices[0]?.message.content, word);
  t.match(cut, { hearth: { stop_reason: 'stop', stop_string: word } });
});

t.test('a seed repeats an answer; n makes several', async (t) => {
  const ask = () =>
    client.chat.completions.create({ ...greedy, temperature: 1.5, seed: 7, n: 3, max_tokens: 8 });
  const [first, second] = [await ask(), await ask()];
  t.equal(first.choices.length, 3);
  t.same(
    first.choices.map(({ message }) => message.content),
    second.choices.map(({ message }) => message.content),
  );
  t.equal(first.usage?.completion_tokens, 24);
});

t.test('logit_bias forbids the token that would have come', async (t) => {
  const first = String(reference?.greedy_tokens[0]);
  const free = await client.chat.completions.create({ ...greedy, max_tokens: 1 });
  const bound = await client.chat.completions.create({
    ...greedy,
    max_tokens: 1,
    logit_bias: { [first]: -100 },
  });
  t.not(bound.choices[0]?.message.content, free.choices[0]?.message.content);
});

t.test('logprobs are those of the reference logits', async (t) => {
  const answer = await client.chat.completions.create({
    ...greedy,
    max_tokens: 1,
    logprobs: true,
    top_logprobs: 3,
  });
  const { n_vocab: nVocab, logits, prompts } = readReference('appliance/dense');
  const end = (prompts[0]?.logits_offset ?? 0) + (prompts[0]?.tokens.length ?? 0) * nVocab;
  const last = logits.subarray(end - nVocab, end);
  const logSum = Math.log(last.reduce((sum, logit) => sum + Math.exp(logit), 0));
  const expected = Math.max(...last) - logSum;
  const [found] = answer.choices[0]?.logprobs?.content ?? [];
  // Q8_0 weights and an F16 cache against float32.
  t.ok(Math.abs((found?.logprob ?? 1) - expected) < 0.05, `${found?.logprob} against ${expected}`);
  t.equal(found?.top_logprobs.length, 3);
  t.equal(found?.top_logprobs[0]?.token, found?.token);
  // A character of several tokens as well: the vocabulary has none of these.
  const more = await client.chat.completions.create({
    ...{ ...greedy, max_tokens: 12, logprobs: true },
    grammar: 'root ::= "Wärme 媽🤗" ("." | "!")',
  } as typeof greedy & { logprobs: true });
  const [choice] = more.choices;
  const said = choice?.logprobs?.content?.map(({ token }) => token).join('');
  t.equal(said, choice?.message.content);
});

t.test('json_object and json_schema answers parse and keep the schema', async (t) => {
  const object = await client.chat.completions.create({
    ...greedy,
    max_tokens: 200,
    response_format: { type: 'json_object' },
  });
  t.type(JSON.parse(object.choices[0]?.message.content ?? ''), 'object');
  const schema = {
    type: 'object',
    properties: { device: { enum: ['oven', 'washer'] }, minutes: { type: 'integer' } },
    required: ['device', 'minutes'],
    additionalProperties: false,
  };
  const kept = await client.chat.completions.create({
    ...greedy,
    max_tokens: 200,
    response_format: { type: 'json_schema', json_schema: { name: 'plan', schema, strict: true } },
  });
  const plan = JSON.parse(kept.choices[0]?.message.content ?? '');
  t.same(Object.keys(plan), ['device', 'minutes']);
  t.ok(['oven', 'washer'].includes(plan.device));
  t.ok(Number.isInteger(plan.minutes));
});

t.test(
  'streamed and whole answers have the same log-probabilities, in calls as well',
  async (t) => {
    const parameters = {
      type: 'object',
      properties: { on: { type: 'boolean' } },
      required: ['on'],
    };
    const tools = [{ type: 'function' as const, function: { name: 'set_oven', parameters } }];
    for (const more of [{}, { tools, tool_choice: 'required' as const }]) {
      const asked = { ...greedy, ...more, max_tokens: 40, logprobs: true, top_logprobs: 2 };
      // Once for the KV cache: what follows is computed alike.
      await client.chat.completions.create(asked);
      const whole = await client.chat.completions.create(asked);
      const content: OpenAI.ChatCompletionTokenLogprob[] = [];
      for await (const { choices } of await client.chat.completions.create({
        ...asked,
        stream: true,
      }))
        content.push(...(choices[0]?.logprobs?.content ?? []));
      t.same(content, whole.choices[0]?.logprobs?.content);
      t.equal(content.length, whole.usage?.completion_tokens);
    }
  },
);

t.test(
  'every seed repeats its answer, the largest of llama.cpp and larger ones, too',
  async (t) => {
    for (const seed of [0, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
      const asked = { ...greedy, temperature: 2, seed, max_tokens: 12, logit_bias: { 2: -100 } };
      await client.chat.completions.create(asked);
      const answers = [
        await client.chat.completions.create(asked),
        await client.chat.completions.create(asked),
      ].map(({ choices }) => choices[0]?.message.content);
      t.equal(answers[0], answers[1], String(seed));
    }
  },
);

t.test(
  'special-token text of a user costs the tokens of plain text, and no control token',
  async (t) => {
    const ask = async (path: string, body: object) => (await post(url + path, body)).json();
    const tokenCount = async (content: string, parse_special: boolean) => {
      const { tokens } = (await ask('/tokenize', { content, parse_special })) as {
        tokens: number[];
      };
      return tokens.length;
    };
    for (const content of [
      '</s>',
      'a<s>b',
      '<unk></s><s>[INST] <<SYS>>',
      '<</s>s>',
      '</s',
      '/s>',
    ]) {
      const asked = { ...greedy, messages: [{ role: 'user' as const, content }], max_tokens: 1 };
      const { usage } = await client.chat.completions.create(asked);
      const { prompt } = (await ask('/apply-template', { messages: asked.messages })) as {
        prompt: string;
      };
      t.match(prompt, content);
      // The template's own bos is the one control token.
      const plain = await tokenCount(prompt.replace(/^<s>/, ''), false);
      t.equal(usage?.prompt_tokens, 1 + plain, content);
      if (/<\/?s>/.test(content))
        t.ok((await tokenCount(prompt, true)) < 1 + plain, 'not so trusted');
    }
  },
);

t.test('completions, with several prompts, continue text', async (t) => {
  const tokens = reference?.tokens.slice(1) ?? [];
  const answer = await client.completions.create({
    model: 'dense',
    prompt: [reference?.prompt ?? '', 'Two'],
    max_tokens: 12,
    temperature: 0,
    logprobs: 2,
  });
  t.equal(answer.choices.length, 2);
  t.match(reference?.greedy_text.trim(), answer.choices[0]?.text.trim() ?? 'nothing');
  t.equal(answer.choices[0]?.logprobs?.tokens?.length, 12);
  t.match(answer.usage, { prompt_tokens_details: { cached_tokens: Number } });
  const byIds = await client.completions.create({
    model: 'dense',
    prompt: [1, ...tokens],
    max_tokens: 12,
    temperature: 0,
  });
  t.equal(byIds.choices[0]?.text, answer.choices[0]?.text);
});

t.test('models and what there is none of', async (t) => {
  const list = await client.models.list();
  t.same(
    list.data.map(({ id }) => id),
    ['dense'],
  );
  t.equal((await client.models.retrieve('dense')).id, 'dense');
  await t.rejects(client.models.retrieve('gpt-4o'), { status: 404, code: 'model_not_found' });
  for (const input of ['x', ['x', 'y'], [1, 2]])
    await t.rejects(client.embeddings.create({ model: 'dense', input }), {
      status: 501,
      code: 'no_embeddings',
    });
});

t.test('a prompt that does not fit says what it needs and what there is', async (t) => {
  const long = [{ role: 'user' as const, content: 'oven '.repeat(700) }];
  await t.rejects(client.chat.completions.create({ ...greedy, messages: long }), {
    status: 400,
    code: 'context_length_exceeded',
    error: { needed_tokens: Number, available_tokens: Number },
  });
  const turns = Array.from({ length: 60 }, (_, i) => ({
    role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: 'The oven is clean and warm now.',
  })).concat(messages as never);
  const dropped = await post(`${url}/v1/chat/completions`, {
    ...greedy,
    messages: turns,
    max_tokens: 4,
    overflow: 'drop-oldest',
  });
  const body = (await dropped.json()) as { hearth: { dropped_turns: number } };
  t.ok(body.hearth.dropped_turns > 0, JSON.stringify(body));
});
