// Settings of the conversation that is shown: system prompt and sampling.
// They also become the start of every new conversation.
import { forgetKey, readKey } from '../shared/api-key.js';
import { showDialog } from '../shared/dialog.js';
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import type { SamplingSettings, Settings } from './conversation.js';
import { readDefaults } from './defaults.js';
import { SAMPLING_FIELDS, type SamplingField } from './settings.js';

/** The settings as they were changed; null where they were not. */
export async function askSettings(settings: Settings): Promise<Settings | null> {
  const words = texts.settings;
  const system = el('textarea', {
    id: 'system-prompt',
    rows: 4,
    placeholder: words.systemExample,
    'aria-describedby': 'system-hint',
  });
  system.value = settings.system;
  const inputs = SAMPLING_FIELDS.map((field) => samplingInput(field, settings.sampling));
  void showDefaults(inputs);
  const confirmed = await showDialog({
    title: words.title,
    action: words.save,
    content: [
      el('label', { for: 'system-prompt' }, words.system),
      el('p', { id: 'system-hint', class: 'hint' }, words.systemHint),
      system,
      el(
        'fieldset',
        { class: 'sampling' },
        el('legend', {}, words.sampling),
        ...inputs.map(fieldView),
      ),
      el('p', { class: 'hint' }, words.empty),
      readKey() !== null && forgetKeyButton(),
    ],
  });
  return confirmed ? { ...settings, system: system.value, sampling: samplingOf(inputs) } : null;
}

type FieldInput = { field: SamplingField; input: HTMLInputElement };

function samplingInput(field: SamplingField, sampling: SamplingSettings): FieldInput {
  const [name, min, max, step] = field;
  const input = el('input', { id: `sampling-${name}`, type: 'number', min, max, step });
  input.setAttribute('aria-describedby', `${input.id}-hint`);
  input.setAttribute('placeholder', texts.settings.auto(''));
  input.value = String(sampling[name] ?? '');
  return { field, input };
}

/** What hearth takes where nothing is entered, once it has said so. */
async function showDefaults(inputs: FieldInput[]): Promise<void> {
  const { auto, untilFull, random } = texts.settings;
  const defaults = await readDefaults();
  for (const { field, input } of inputs) {
    const known = { max_tokens: untilFull, seed: random }[field[0] as string];
    const value = known ?? defaults[field[0]];
    if (value !== undefined) input.placeholder = auto(String(value));
  }
}

function fieldView({ field: [name], input }: FieldInput): HTMLElement {
  const [label, hint] = texts.settings.fields[name];
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
    button.replaceWith(el('p', { class: 'hint' }, texts.settings.keyForgotten));
  };
  const button = el('button', { class: 'button', type: 'button', click }, texts.settings.forgetKey);
  return button;
}
