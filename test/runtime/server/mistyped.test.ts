// What is of another type than its API says, deep within blocks, items and tools: 400 in that API's form.
// `{"toString": 1}` is the worst of them: whatever turns it into a text throws.
import { ok } from 'node:assert';
import t from 'tap';
import { post, runEngine, runServer } from './running-server.js';

const running = await runEngine(t);
const { url } = await runServer(t, running);

const HOSTILE = { toString: 1 };
const question = { role: 'user', content: 'Hello' };
const schema = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };

const toolUse = (fields: object) => [
  question,
  {
    role: 'assistant',
    content: [{ type: 'tool_use', id: 'a', name: 'f', input: {}, ...fields }],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'x' }] },
];
const toolResult = (fields: object) => [
  ...toolUse({}).slice(0, 2),
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', ...fields }] },
];
const blocks = (...content: unknown[]) => [{ role: 'user', content }];
const called = (fields: object) => [
  question,
  { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}', ...fields },
  { type: 'function_call_output', call_id: 'a', output: 'x' },
];
const tool = { type: 'function', name: 'f', parameters: schema };
const chosen = (tool_choice: unknown) => ({ tools: [tool], tool_choice });

const ANTHROPIC: [name: string, fields: object, says: RegExp][] = [
  ['id', { messages: toolUse({ id: HOSTILE }) }, /messages\[1\]\.content\[0\]\.id must be string/],
  ['name', { messages: toolUse({ name: HOSTILE }) }, /content\[0\]\.name must be string/],
  ['input', { messages: toolUse({ input: 5 }) }, /content\[0\]\.input must be object/],
  ['tool_use_id', { messages: toolResult({ tool_use_id: HOSTILE }) }, /tool_use_id must be string/],
  ['is_error', { messages: toolResult({ is_error: 'no' }) }, /is_error must be boolean,null/],
  ['result', { messages: toolResult({ content: [{ type: HOSTILE }] }) }, /type must be string/],
  [
    'thinking',
    { messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: HOSTILE }] }] },
    /thinking must be string/,
  ],
  [
    'text',
    { messages: blocks({ type: 'text' }) },
    /"messages\[0\]\.content\[0\]\.text" is missing/,
  ],
  ['an image', { messages: blocks({ type: 'image', source: {} }) }, /image input is not supported/],
  ['a choice without tools', { messages: [question], tool_choice: { type: 'any' } }, /needs tools/],
];

for (const [name, fields, says] of ANTHROPIC)
  t.test(`Anthropic: ${name}`, async (t) => {
    const response = await post(`${url}/v1/messages`, { max_tokens: 2, ...fields });
    t.equal(response.status, 400);
    t.match(await response.json(), {
      type: 'error',
      error: { type: 'invalid_request_error', message: says },
    });
  });

const RESPONSES: [name: string, fields: object, says: RegExp][] = [
  ['call_id', { input: called({ call_id: HOSTILE }) }, /input\[1\]\.call_id must be string/],
  ['name', { input: called({ name: HOSTILE }) }, /input\[1\]\.name must be string/],
  ['arguments', { input: called({ arguments: HOSTILE }) }, /arguments must be string/],
  [
    'an answer of a call',
    { input: [{ type: 'function_call_output', call_id: HOSTILE, output: 'x' }] },
    /call_id must be string/,
  ],
  ['a part', { input: blocks({ type: HOSTILE, text: 'x' }) }, /content\[0\]\.type must be string/],
  ['a refusal', { input: blocks({ type: 'refusal', refusal: HOSTILE }) }, /refusal must be string/],
  ['a thought', { input: [{ type: 'reasoning', summary: [null] }] }, /summary\[0\] must be object/],
  ['an image', { input: blocks({ type: 'input_image' }) }, /input_image is not supported/],
  ['no content', { input: [{ role: 'user' }] }, /"input\[0\]\.content" is missing/],
  ['a choice', chosen({ type: HOSTILE }), /tool_choice\.type must be string/],
  [
    'a chosen name',
    chosen({ type: 'function', name: HOSTILE }),
    /tool_choice\.name must be string/,
  ],
  [
    'no tool that is allowed',
    chosen({ type: 'allowed_tools', mode: 'auto', tools: [{ type: 'web_search' }] }),
    /allows none of the tools/,
  ],
  ['a mode', chosen({ type: 'allowed_tools', mode: 'x', tools: [tool] }), /auto, required/],
  ['parameters', { tools: [{ ...tool, parameters: 5 }] }, /parameters must be object/],
  ['a choice without tools', { tool_choice: 'required' }, /needs tools/],
];

for (const [name, fields, says] of RESPONSES)
  t.test(`Responses: ${name}`, async (t) => {
    const body = { input: 'Hello', max_output_tokens: 2, ...fields };
    const response = await post(`${url}/v1/responses`, body);
    t.equal(response.status, 400);
    t.match(await response.json(), { error: { type: 'invalid_request_error', message: says } });
  });

t.test("a tool's schema has a type that is none", async (t) => {
  const parameters = { type: HOSTILE };
  const tools = [{ type: 'function', function: { name: 'f', parameters } }];
  const response = await post(`${url}/v1/chat/completions`, { messages: [question], tools });
  t.equal(response.status, 400);
  t.match(await response.json(), {
    error: { message: /tools\[0\]\.function\.parameters\.type/ },
  });
});

t.test("Anthropic's output_config.format binds the answer", async (t) => {
  const response = await post(`${url}/v1/messages`, {
    ...{ messages: [question], max_tokens: 60, temperature: 0 },
    output_config: { format: { type: 'json_schema', schema } },
  });
  const { content } = (await response.json()) as { content: { text: string }[] };
  ok(content[0]);
  t.match(JSON.parse(content[0].text), { on: Boolean });
});
