// Settings of the conversation that is shown: system prompt and sampling.
// They also become the start of every new conversation.
import { forgetKey, readKey } from '../shared/api-key.js';
import { showDialog } from '../shared/dialog.js';
import { el } from '../shared/dom.js';
import type { SamplingSettings, Settings } from './conversation.js';
import { SAMPLING_FIELDS, type SamplingField } from './settings.js';

/** The settings as they were changed; null where they were not. */
export async function askSettings(settings: Settings): Promise<Settings | null> {
  const system = el('textarea', {
    id: 'system-prompt',
    rows: 4,
    placeholder: 'You are a helpful assistant. Answer briefly.',
    'aria-describedby': 'system-hint',
  });
  system.value = settings.system;
  const inputs = SAMPLING_FIELDS.map((field) => samplingInput(field, settings.sampling));
  const confirmed = await showDialog({
    title: 'Settings',
    action: 'Save',
    content: [
      el('label', { for: 'system-prompt' }, 'System prompt'),
      el('p', { id: 'system-hint', class: 'hint' }, 'What the model should always keep in mind.'),
      system,
      el('fieldset', { class: 'sampling' }, el('legend', {}, 'Sampling'), ...inputs.map(fieldView)),
      el('p', { class: 'hint' }, 'An empty field leaves the choice to hearth.'),
      readKey() !== null && forgetKeyButton(),
    ],
  });
  return confirmed ? { system: system.value, sampling: samplingOf(inputs) } : null;
}

type FieldInput = { field: SamplingField; input: HTMLInputElement };

function samplingInput(field: SamplingField, sampling: SamplingSettings): FieldInput {
  const [name, , , min, max, step] = field;
  const input = el('input', { id: `sampling-${name}`, type: 'number', min, max, step });
  input.setAttribute('aria-describedby', `${input.id}-hint`);
  input.setAttribute('placeholder', 'auto');
  input.value = String(sampling[name] ?? '');
  return { field, input };
}

function fieldView({ field: [, label, hint], input }: FieldInput): HTMLElement {
  return el(
    'div',
    { class: 'field' },
    el('label', { for: input.id }, label),
    input,
    el('p', { id: `${input.id}-hint`, class: 'hint' }, hint),
  );
}

function samplingOf(inputs: FieldInput[]): SamplingSettings {
  const sampling: SamplingSettings = {};
  for (const { field, input } of inputs)
    if (Number.isFinite(input.valueAsNumber)) sampling[field[0]] = input.valueAsNumber;
  return sampling;
}

function forgetKeyButton(): HTMLElement {
  const click = () => {
    forgetKey();
    button.replaceWith(el('p', { class: 'hint' }, 'The API key is forgotten.'));
  };
  const button = el('button', { class: 'button', type: 'button', click }, 'Forget the API key');
  return button;
}
