import OpenAI from 'openai';
import t from 'tap';
import { readReference } from '../../support/samples.js';
import { post, runEngine, runServer } from './running-server.js';

const { url } = await runServer(t, await runEngine(t));
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const [reference] = readReference('appliance/dense').prompts;
const messages = [{ role: 'user' as const, content: reference?.question ?? '' }];
const greedy = { model: 'dense', temperature: 0, messages };

t.test('tools are called by grammar, streamed or not', async (t) => {
  const parameters = {
    type: 'object',
    properties: { mode: { enum: ['grill', 'fan'] }, on: { type: 'boolean' } },
    required: ['mode', 'on'],
  };
  const tools = [{ type: 'function' as const, function: { name: 'set_oven', parameters } }];
  const asked = { ...greedy, tools, max_tokens: 200, tool_choice: 'required' as const };
  const whole = await client.chat.completions.create(asked);
  const [call] = whole.choices[0]?.message.tool_calls ?? [];
  t.equal(whole.choices[0]?.finish_reason, 'tool_calls');
  t.match(call, { type: 'function', function: { name: 'set_oven' } });
  const args = call?.type === 'function' ? JSON.parse(call.function.arguments) : null;
  t.match(args, { mode: /^(grill|fan)$/, on: Boolean });

  const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
  const [again] = streamed.choices[0]?.message.tool_calls ?? [];
  t.match(again?.function, { name: 'set_oven' });
  t.same(JSON.parse(again?.function.arguments ?? ''), args);

  const free = await client.chat.completions.create({ ...asked, tool_choice: 'none' });
  t.equal(free.choices[0]?.message.tool_calls, undefined);
  t.ok(free.choices[0]?.message.content);
});

t.test("a message of the client's own helpers can be sent back", async (t) => {
  const parameters = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };
  const tools = [
    { type: 'function' as const, function: { name: 'set_oven', parameters, strict: true } },
  ];
  const asked = { ...greedy, tools, tool_choice: 'required' as const, max_tokens: 100 };
  const parsed = await client.chat.completions.parse(asked);
  const message = parsed.choices[0]?.message;
  t.ok(message && 'parsed' in message);
  // Python's client adds these two as well.
  const [call] = message?.tool_calls ?? [];
  const sentBack = { ...message, tool_calls: [{ ...call, index: 0 }], annotations: null };
  const answer = { role: 'tool', tool_call_id: call?.id ?? '', content: 'done' };
  const next = await client.chat.completions.create({
    ...greedy,
    max_tokens: 2,
    messages: [...messages, sentBack as never, answer as never],
  });
  t.ok(next.choices[0]?.message.content);
});

t.test(
  'a template without tools shows the tools, the call and what the tool answered',
  async (t) => {
    const ask = async (path: string, body: object) => (await post(url + path, body)).json();
    const called = { name: 'set_oven', arguments: '{"on":true}' };
    const conversation = [
      { role: 'user', content: 'Oven on.' },
      { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: called }] },
      { role: 'tool', tool_call_id: 'c1', content: 'It is on.' },
    ];
    const tools = [{ type: 'function', function: { name: 'set_oven' } }];
    const shown = (await ask('/apply-template', { messages: conversation, tools })) as {
      prompt: string;
    };
    t.match(shown.prompt, 'You can call these functions:\n{"name":"set_oven"}');
    t.match(shown.prompt, /\[\/INST\] \{"name": "set_oven", "arguments": \{"on":true\}\} <\/s>/);
    t.match(shown.prompt, /\[INST\] set_oven answered: It is on\. \[\/INST\]$/);
    const answer = { ...greedy, messages: conversation, tools, max_tokens: 1 };
    const { usage } = (await ask('/v1/chat/completions', answer)) as OpenAI.ChatCompletion;
    const { tokens } = (await ask('/tokenize', { content: shown.prompt })) as { tokens: number[] };
    t.equal(usage?.prompt_tokens, tokens.length, 'what is shown is what the model gets');
    t.match(await ask('/apply-template', { messages: conversation, tools: null }), {
      prompt: 'set_oven answered',
    });
  },
);
