// The model at the top of the page: its name, or a choice where the server has several.
// The choice is a setting of the conversation, and where the next one starts.
import { byId, el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import type { ConversationStore } from './conversation-store.js';
import { modelFor, type OfferedModel, readModels } from './models.js';
import { keepSettings } from './settings.js';

/** Returns what asks the server which models there are, and shows them. */
export function modelChooser(store: ConversationStore): () => Promise<void> {
  const name = byId('model-name', HTMLElement);
  const choice = byId('model-choice', HTMLSelectElement);
  let models: readonly OfferedModel[] = [];
  const show = () => {
    const [first] = models;
    if (!first) return;
    const isChoice = models.length > 1;
    name.hidden = isChoice;
    choice.hidden = !isChoice;
    name.textContent = first.id;
    choice.replaceChildren(...models.map(option));
    choice.value = modelFor(store.shown.settings) ?? first.id;
  };
  const read = async () => {
    // The name of one does not change.
    if (models.length === 1) return;
    models = await readModels();
    show();
  };
  choice.addEventListener('change', () => {
    const settings = { ...store.shown.settings, model: choice.value };
    keepSettings(settings);
    store.change(store.shown, (conversation) => {
      conversation.settings = settings;
    });
  });
  store.listen((change) => {
    // Another may have given way.
    if (change.kind === 'answered') void read();
    else if (change.kind === 'shown' && choice.value !== modelFor(store.shown.settings)) show();
  });
  document.addEventListener('textschange', show);
  return read;
}

function option({ id, isLoaded }: OfferedModel): HTMLOptionElement {
  return el('option', { value: id }, isLoaded ? texts.models.loaded(id) : id);
}
