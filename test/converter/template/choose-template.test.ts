// Chat templates, rendered by Hugging Face's own Jinja, against the formats as they are documented.
// llama-2: the samples' training format and Meta's; llama-3: Meta's model card; alpaca: LLM-Pruner's
// templates/alpaca.json; chatml: OpenAI's description.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Template } from '@huggingface/jinja';
import t from 'tap';
import { chatTemplate, chatTemplateNames } from '../../../converter/template/choose-template.js';
import type { StoredTokenizer } from '../../../model/checkpoint/stored-tokenizer.js';
import { tokenizerInput } from '../../model/tokenizer/stored-tokenizers.js';
import { readReference } from '../../support/samples.js';

type Message = { role: string; content: string };
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const system = (content: string): Message => ({ role: 'system', content });
const slow: StoredTokenizer = {
  kind: 'sentencepiece',
  model: new Uint8Array(),
  config: {},
  addedTokens: {},
};
const filePath = 'pytorch_model.bin';

async function render(
  choice: string,
  messages: Message[],
  { eos = '</s>', prompt = true } = {},
): Promise<string> {
  const { template } = await chatTemplate(slow, { choice, filePath });
  return new Template(template ?? '').render({
    messages,
    bos_token: '<s>',
    eos_token: eos,
    add_generation_prompt: prompt,
  });
}

t.test("llama-2 is the samples' prompt with bos", async (t) => {
  for (const { question, prompt } of readReference('appliance/pruned-20').prompts)
    t.equal(await render('llama-2', [user(question)]), `<s>${prompt}`);
});

t.test("llama-2 is Meta's format with a system message and several turns", async (t) => {
  const messages = [system('Be brief.'), user('Q1'), assistant('A1'), user('Q2')];
  t.equal(
    await render('llama-2', messages),
    '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nQ1 [/INST] A1 </s><s>[INST] Q2 [/INST]',
  );
});

t.test("llama-3 is Meta's format", async (t) => {
  const messages = [system('S'), user('Q1'), assistant('A1'), user(' Q2 ')];
  t.equal(
    await render('llama-3', messages),
    '<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>' +
      '<|start_header_id|>user<|end_header_id|>\n\nQ1<|eot_id|>' +
      '<|start_header_id|>assistant<|end_header_id|>\n\nA1<|eot_id|>' +
      '<|start_header_id|>user<|end_header_id|>\n\nQ2<|eot_id|>' +
      '<|start_header_id|>assistant<|end_header_id|>\n\n',
  );
});

t.test("alpaca is what LLM-Pruner's post-training trains on", async (t) => {
  const preamble =
    'Below is an instruction that describes a task. Write a response that appropriately completes the request.';
  t.equal(
    await render('alpaca', [user('List three fruits.')]),
    `<s>${preamble}\n\n### Instruction:\nList three fruits.\n\n### Response:\n`,
  );
  t.equal(
    await render('alpaca', [system('S'), user('Q1'), assistant('A1'), user('Q2')]),
    '<s>S\n\n### Instruction:\nQ1\n\n### Response:\nA1</s>\n\n### Instruction:\nQ2\n\n### Response:\n',
  );
});

t.test("chatml is OpenAI's format", async (t) => {
  const messages = [system('S'), user('Q'), assistant('A')];
  const text =
    '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n';
  t.equal(await render('chatml', messages, { prompt: false }), text);
  t.equal(await render('chatml', messages), `${text}<|im_start|>assistant\n`);
});

t.test('every built-in template renders without bos and eos, and bos at most once', async (t) => {
  for (const choice of chatTemplateNames) {
    const { template, source } = await chatTemplate(slow, { choice, filePath });
    t.equal(source, 'named');
    const parsed = new Template(template ?? '');
    t.match(parsed.render({ messages: [user('Q')], add_generation_prompt: true }), 'Q');
    t.ok((await render(choice, [user('Q')])).split('<s>').length <= 2);
  }
});

t.test("the tokenizer's own template is the default", async (t) => {
  const own = { ...slow, config: { chat_template: '{{ messages }}' } };
  const expected = { template: '{{ messages }}', source: 'tokenizer', warnings: [] };
  t.strictSame(await chatTemplate(own, { filePath }), expected);
  const named = [
    { name: 'tool_use', template: 'tools' },
    { name: 'default', template: '{{ messages }}' },
  ];
  const several = { ...slow, config: { chat_template: named } };
  t.strictSame(await chatTemplate(several, { filePath }), expected);
});

t.test('a template of the tokenizer that cannot be parsed is kept and told', async (t) => {
  const own = { ...slow, config: { chat_template: '{% if %}' } };
  const { template, warnings } = await chatTemplate(own, { filePath });
  t.equal(template, '{% if %}');
  t.match(warnings[0], /cannot be parsed/);
});

t.test('without a template, a sentencepiece Llama gets llama-2 and a warning', async (t) => {
  const llama2 = (await chatTemplate(slow, { choice: 'llama-2', filePath })).template;
  for (const name of ['appliance/pruned-20', 'formats/f_gqa']) {
    const { tokenizer } = await tokenizerInput(name);
    const chosen = await chatTemplate(tokenizer, { filePath });
    t.match(chosen, { template: llama2, source: 'default' });
    t.match(chosen.warnings[0], /no chat template; llama-2 is taken/);
  }
});

t.test('without a template, byte-level BPE gets llama-3 where it has its headers', async (t) => {
  const llama3 = await tokenizerInput('made/llama-3');
  t.match((await chatTemplate(llama3.tokenizer, { filePath })).template, /start_header_id/);
  const other = await tokenizerInput('formats/f_fast');
  const { template, warnings } = await chatTemplate(other.tokenizer, { filePath });
  t.equal(template, null);
  t.match(warnings[0], /pass --chat-template/);
});

t.test('a file is taken if it is a template of sensible size', async (t) => {
  const file = path.join(t.testdir({ 'my.jinja': '{{ messages[0].content }}' }), 'my.jinja');
  const chosen = await chatTemplate(slow, { choice: file, filePath });
  t.strictSame(chosen, { template: '{{ messages[0].content }}', source: 'file', warnings: [] });
  writeFileSync(file, '{% for %}');
  await t.rejects(chatTemplate(slow, { choice: file, filePath }), {
    message: /is not a Jinja template/,
  });
  writeFileSync(file, 'x'.repeat(300 << 10));
  await t.rejects(chatTemplate(slow, { choice: file, filePath }), { name: 'CheckpointError' });
  const missing = chatTemplate(slow, { choice: 'llama2', filePath });
  await t.rejects(missing, { message: /^llama2: is no chat template; expected llama-2, llama-3/ });
});
