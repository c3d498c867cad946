// The address of the page names the conversation that is shown: back, reload and bookmarks work.
// It stands after the `#`, which browsers keep to themselves: the server never learns of it.
import { shownTitle } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';

const FORM = /^#\/c\/([0-9a-f]{1,64})$/;

/** Shows what the address names, now and whenever it changes; `onMissing` where this browser has no such conversation. */
export function followAddress(
  store: ConversationStore,
  startNew: () => void,
  onMissing: () => void,
): void {
  let written = store.shown.id;
  let isReading = false;
  const read = () => {
    const id = FORM.exec(location.hash)?.[1];
    const isMissing = id !== undefined && !store.list.some((it) => it.id === id);
    isReading = true;
    if (id !== undefined && !isMissing) store.show(id);
    else if (isMissing || store.shown.turns.length > 0) startNew();
    isReading = false;
    written = store.shown.id;
    if (isMissing) onMissing();
    showTitle();
  };
  const write = () => {
    const { shown } = store;
    const address =
      shown.turns.length === 0 ? location.pathname + location.search : `#/c/${shown.id}`;
    // What was deleted is not gone back to.
    const isGone = FORM.test(location.hash) && !store.list.some(({ id }) => id === written);
    const isAnother = shown.id !== written;
    written = shown.id;
    if (isAnother && !isGone) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  };
  const showTitle = () => {
    const { shown } = store;
    document.title = shown.turns.length === 0 ? 'hearth' : `${shownTitle(shown)} · hearth`;
  };
  store.listen(({ kind }) => {
    if (kind === 'shown' && !isReading) write();
    if (kind !== 'answer') showTitle();
  });
  addEventListener('popstate', read);
  document.addEventListener('textschange', showTitle);
  read();
}
