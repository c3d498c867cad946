// The clients that others publish, against their own APIs: Anthropic's, OpenAI's for /v1/responses, Ollama's.
// The model has a template that thinks and calls, so that grammars can make it do both.
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import t from 'tap';
import { post, runEngine, runServer } from './running-server.js';

const chatTemplate = `{{- bos_token }}Today is {{ date_string }}.
{%- if tools %} <tool_call>{{ tools | tojson }}</tool_call>{% endif -%}
{%- for message in messages %}
[{{ message.role }}]{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}
{%- endfor %}
{%- if add_generation_prompt %}
[assistant]{% endif %}`;

const running = await runEngine(t, { chatTemplate, nCtx: 1024 });
const { url } = await runServer(t, running, { apiKeys: ['secret'], id: 'house' });
const anthropic = new Anthropic({ baseURL: url, apiKey: 'secret', maxRetries: 0 });
const openai = new OpenAI({ baseURL: url, apiKey: 'secret', maxRetries: 0 });
const headers = { authorization: 'Bearer secret' };
const ollama = new Ollama({ host: url, headers });

const parameters = {
  type: 'object' as const,
  properties: { on: { type: 'boolean' } },
  required: ['on'],
};
const question = { role: 'user' as const, content: 'Is the oven on?' };
const asked = { model: 'claude-any', max_tokens: 60, temperature: 0, messages: [question] };

/** What an error of a client says, as a plain value. */
const told = ({ status, error }: { status: number; error: unknown }) => ({ status, error });

async function json(path: string, body: object) {
  const response = await post(url + path, body, headers);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

t.test('Anthropic: whole, streamed and counted', async (t) => {
  const whole = await anthropic.messages.create({ ...asked, system: 'Be brief.' });
  t.match(whole, { type: 'message', role: 'assistant', model: 'house' });
  t.match(whole.content, [{ type: 'text', text: /\w/ }]);
  const streamed = await anthropic.messages
    .stream({ ...asked, system: 'Be brief.' })
    .finalMessage();
  t.same(streamed.content, whole.content);
  t.equal(streamed.stop_reason, whole.stop_reason);
  t.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
  const { max_tokens: _, temperature: __, ...counted } = asked;
  const { input_tokens: n } = await anthropic.messages.countTokens({
    ...counted,
    system: 'Be brief.',
  });
  t.equal(n, whole.usage.input_tokens + (whole.usage.cache_read_input_tokens ?? 0));
});

t.test('Anthropic: a tool is called, and its result taken', async (t) => {
  const tools = [{ name: 'set_oven', input_schema: parameters }];
  const tool_choice = { type: 'any' as const, disable_parallel_tool_use: true };
  const roomy = { ...asked, tools, max_tokens: 200 };
  const called = await anthropic.messages.stream({ ...roomy, tool_choice }).finalMessage();
  const call = called.content.find((block) => block.type === 'tool_use');
  t.equal(called.stop_reason, 'tool_use');
  t.match(call, { name: 'set_oven', input: { on: Boolean } });
  const result = {
    type: 'tool_result' as const,
    tool_use_id: call?.id ?? '',
    content: 'It is on.',
  };
  const messages = [
    question,
    { role: 'assistant' as const, content: called.content },
    { role: 'user' as const, content: [result] },
  ];
  const next = await anthropic.messages.create({ ...asked, tools, messages });
  t.equal(next.type, 'message');
});

t.test('Anthropic: errors have its shape', async (t) => {
  const png = { type: 'base64' as const, media_type: 'image/png' as const, data: 'AAAA' };
  const image = { role: 'user' as const, content: [{ type: 'image' as const, source: png }] };
  const refused = await anthropic.messages.create({ ...asked, messages: [image] }).catch(told);
  t.match(refused, {
    status: 400,
    error: {
      type: 'error',
      error: { type: 'invalid_request_error', message: /image input is not supported/ },
    },
  });
  const stranger = new Anthropic({ baseURL: url, apiKey: 'wrong', maxRetries: 0 });
  t.match(await stranger.messages.create(asked).catch(told), {
    status: 401,
    error: { type: 'error', error: { type: 'authentication_error' } },
  });
  const result = { type: 'tool_result' as const, tool_use_id: 'never', content: 'x' };
  const orphan = [{ role: 'user' as const, content: [result] }];
  t.match(await anthropic.messages.create({ ...asked, messages: orphan }).catch(told), {
    status: 400,
  });
});

t.test('Responses: whole, streamed, with tools and what they answered', async (t) => {
  const input = 'Is the oven on?';
  const asked = { model: 'gpt-any', input, temperature: 0, max_output_tokens: 40 };
  const whole = await openai.responses.create(asked);
  t.match(whole.output_text, /\w/);
  const streamed = await openai.responses.stream(asked).finalResponse();
  t.equal(streamed.output_text, whole.output_text);
  t.match(streamed.usage, { output_tokens: whole.usage?.output_tokens });
  const set = { type: 'function' as const, name: 'set_oven', parameters, strict: true };
  const tools = [set, { type: 'web_search' as const }];
  const { data: called, response } = await openai.responses
    .create({
      ...asked,
      tools,
      tool_choice: 'required',
      parallel_tool_calls: false,
      max_output_tokens: 200,
    })
    .withResponse();
  t.equal(response.headers.get('x-hearth-skipped-tools'), 'web_search');
  const call = called.output.find((item) => item.type === 'function_call');
  t.match(JSON.parse(call?.arguments ?? ''), { on: Boolean });
  const output = {
    type: 'function_call_output' as const,
    call_id: call?.call_id ?? '',
    output: 'It is on.',
  };
  const history = [{ role: 'user' as const, content: input }, ...called.output, output];
  const next = await openai.responses.create({ ...asked, input: history as never, store: false });
  t.match(next, { status: /completed|incomplete/, hearth: { ignored_fields: ['store'] } });
  await t.rejects(openai.responses.create({ ...asked, previous_response_id: 'resp_1' }), {
    status: 400,
    code: 'unsupported_parameter',
  });
});

t.test('Ollama: chat, generate, tags, show', async (t) => {
  const options = { temperature: 0, num_predict: 20, num_ctx: 4096 };
  const asked = { model: 'any', messages: [question], options };
  const whole = await ollama.chat(asked);
  t.match(whole, { model: 'house', done: true, message: { role: 'assistant', content: /\w/ } });
  let text = '';
  for await (const part of await ollama.chat({ ...asked, stream: true }))
    text += part.message.content;
  t.equal(text, whole.message.content);
  const { response } = await ollama.generate({ model: 'any', prompt: 'Is the oven on?', options });
  t.equal(response, whole.message.content);
  const format = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };
  const bound = await ollama.chat({ ...asked, format });
  t.match(JSON.parse(bound.message.content), { on: Boolean });
  const nothing = { done: true, done_reason: 'load', eval_count: undefined };
  t.match(await ollama.chat({ model: 'any', messages: [] }), nothing);
  t.match(await ollama.generate({ model: 'any', prompt: '' }), nothing);
  t.match((await ollama.list()).models, [{ name: 'house', details: { format: 'gguf' } }]);
  t.match(await ollama.show({ model: 'any' }), { template: chatTemplate });
  const seeing = { ...asked, messages: [{ ...question, images: ['AAAA'] }] };
  t.match(await ollama.chat(seeing).catch((error) => error), {
    status_code: 400,
    error: /messages\[0\]\.images.*reads text only/,
  });
});

t.test('a thought is told apart from the words, and the date is today', async (t) => {
  const grammar = 'root ::= "<think>\\nIs it? </think>\\n\\nIt is."';
  const messages = [question];
  const plain = await json('/v1/chat/completions', { messages, grammar });
  t.match(
    plain.body,
    { choices: [{ message: { content: /^<think>/ } }] },
    'a grammar is all words',
  );
  const { body } = await json('/apply-template', { messages });
  const [, month, day, year] = new Date().toDateString().split(' ');
  t.match(body.prompt, `Today is ${day} ${month} ${year}.`);
  const last = { role: 'assistant', content: 'It' };
  const begun = await json('/apply-template', { messages: [question, last] });
  t.match(begun.body.prompt, /\[assistant\]It$/);
  t.match(await json('/apply-template', { messages: [question, last, last] }), { status: 400 });
});

t.test('several calls, some of the tools, and what changes nothing', async (t) => {
  const tools = ['set_oven', 'set_fan'].map((name) => ({
    type: 'function',
    function: { name, parameters },
  }));
  const only = [{ type: 'function', function: { name: 'set_fan' } }];
  const allowed_tools = { mode: 'required', tools: only };
  const tool_choice = { type: 'allowed_tools', allowed_tools };
  const messages = [question];
  const { body } = await json('/chat/completions', {
    ...{ messages, tools, tool_choice, max_tokens: 200, temperature: 0, seed: -1, user: 'me' },
    ...{ frequency_penalty: 0.5, parallel_tool_calls: false, prompt_cache_key: 'k' },
  });
  t.match(body, {
    choices: [{ message: { tool_calls: [{ function: { name: 'set_fan' } }] } }],
    hearth: { ignored_fields: ['user', 'prompt_cache_key'] },
  });
  t.match(await json('/v1/chat/completions/input_tokens', { messages, tools }), {
    body: { input_tokens: Number },
  });
  t.match(await json('/v1/chat/completions', { messages, prediction: {} }), {
    status: 400,
    body: { error: { param: 'prediction' } },
  });
  const orphan = { role: 'tool', tool_call_id: 'never', content: 'x' };
  t.match(await json('/v1/chat/completions', { messages: [question, orphan] }), { status: 400 });
});
