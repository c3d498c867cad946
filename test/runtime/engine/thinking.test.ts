// Whether a model may think is always said to its template: some, DeepSeek-R1's for one, take silence for a no.
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { chat, readyEngine } from './ask.js';

const chatTemplate = '{{ "<think>" if enable_thinking else "<think></think>" }}';

t.test('a template is told that the model may think, or that it may not', async (t) => {
  const modelPath = await applianceGguf(t.testdir());
  for (const [thinking, prompt] of [
    [undefined, '<think>'],
    [false, '<think></think>'],
  ] as const) {
    const more = thinking === undefined ? {} : { thinking };
    const engine = await readyEngine(modelPath, { chatTemplate, ...more });
    t.teardown(() => engine.close());
    t.equal(await engine.applyTemplate(chat('Hi')), prompt);
    const variables = { enable_thinking: thinking === false };
    const other = { ...chat('Hi'), variables };
    t.not(await engine.applyTemplate(other), prompt, 'a request may say otherwise');
  }
});
