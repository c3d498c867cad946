// Opening conversations that were saved as a file.
// A file that cannot be read changes nothing, and a dialog says what it is and what to do.
import { showDialog } from '../shared/dialog.js';
import { byId, el } from '../shared/dom.js';
import { formatFileSize } from '../shared/format.js';
import { texts } from '../texts/texts.js';
import { announce } from './announcer.js';
import { ConversationFileError, type FileProblem, readFile } from './conversation-file.js';
import type { ConversationStore } from './conversation-store.js';

const MAX_FILE_BYTES = 64e6;

/** `onShow` is called when conversations were opened. */
export function importButton(store: ConversationStore, onShow: () => void): void {
  const input = byId('import-file', HTMLInputElement);
  byId('import-button', HTMLButtonElement).addEventListener('click', () => input.click());
  input.addEventListener('change', async () => {
    const file = input.files?.[0];
    if (file && (await openFile(store, file))) onShow();
    // So that the same file can be chosen again.
    input.value = '';
  });
}

async function openFile(store: ConversationStore, file: File): Promise<boolean> {
  const problem = await add(store, file);
  if (problem === null) return true;
  await showDialog({
    title: texts.import.failed,
    content: [
      el('p', {}, el('strong', {}, file.name)),
      el('p', {}, problem),
      el('p', { class: 'hint' }, texts.import.nothingLost),
    ],
    action: texts.import.close,
    isNotice: true,
  });
  return false;
}

/** What is wrong with the file, in words; null where it was opened. */
async function add(store: ConversationStore, file: File): Promise<string | null> {
  if (file.size > MAX_FILE_BYTES)
    return texts.import.tooLarge(formatFileSize(file.size), formatFileSize(MAX_FILE_BYTES));
  try {
    const conversations = readFile(await file.text());
    if (conversations.length === 0) return texts.import.nothing;
    await store.add(conversations);
    announce(texts.import.done(conversations.length));
    return null;
  } catch (error) {
    if (error instanceof ConversationFileError) return wordsOf(error.problem);
    return texts.attachments.unreadable(file.name);
  }
}

function wordsOf(problem: FileProblem): string {
  switch (problem.kind) {
    case 'not-json':
      return texts.import.notJson;
    case 'other-program':
      return texts.import.otherProgram(problem.program ?? '');
    case 'newer':
      return texts.import.newer(problem.version);
    case 'damaged':
      return texts.import.damaged(problem.where);
    default:
      return problem satisfies never;
  }
}
