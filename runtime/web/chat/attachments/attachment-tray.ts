// The files that go with the next question: being read, read, or refused with a reason.
// Each conversation has its own; they last as long as the page, as drafts do.
import { byId, el } from '../../shared/dom.js';
import { texts } from '../../texts/texts.js';
import type { Attachment } from '../conversation.js';
import { AttachmentError } from './attachment-error.js';
import { fileChip } from './file-chip.js';
import { MAX_FILES } from './limits.js';
import { readAttachment } from './read-attachment.js';

type Item = { name: string; attachment: Attachment | null; controller: AbortController };
type Tray = { items: Item[]; refusals: string[] };

export class AttachmentTray {
  readonly #element = byId('attachments', HTMLElement);
  readonly #onChange: () => void;
  readonly #trays = new Map<string, Tray>();
  #shown: Tray = { items: [], refusals: [] };

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    document.addEventListener('textschange', () => this.#draw());
  }

  get isEmpty(): boolean {
    return this.#shown.items.length === 0;
  }

  get isReading(): boolean {
    return this.#shown.items.some(({ attachment }) => attachment === null);
  }

  show(conversationId: string): void {
    const tray = this.#trays.get(conversationId) ?? { items: [], refusals: [] };
    this.#trays.set(conversationId, tray);
    this.#shown = tray;
    this.#draw();
  }

  add(files: File[]): void {
    const tray = this.#shown;
    const room = MAX_FILES - tray.items.length;
    tray.refusals = files.length > room ? [texts.attachments.tooMany(MAX_FILES)] : [];
    for (const file of files.slice(0, room)) void this.#read(tray, file);
    this.#changed();
  }

  /** What was read; the tray is empty afterwards. */
  take(): Attachment[] {
    const taken = this.#shown.items.flatMap(({ attachment }) => attachment ?? []);
    this.#shown.items = [];
    this.#shown.refusals = [];
    this.#changed();
    return taken;
  }

  async #read(tray: Tray, file: File): Promise<void> {
    const controller = new AbortController();
    const item: Item = { name: file.name, attachment: null, controller };
    tray.items.push(item);
    try {
      item.attachment = await readAttachment(file, controller.signal);
    } catch (error) {
      tray.items = tray.items.filter((other) => other !== item);
      const words =
        error instanceof AttachmentError ? error.message : texts.attachments.unreadable(file.name);
      if (!controller.signal.aborted) tray.refusals.push(words);
    }
    this.#changed();
  }

  #remove(item: Item): void {
    item.controller.abort();
    this.#shown.items = this.#shown.items.filter((other) => other !== item);
    this.#shown.refusals = [];
    this.#changed();
  }

  #changed(): void {
    this.#draw();
    this.#onChange();
  }

  #draw(): void {
    const { items, refusals } = this.#shown;
    const chips = items.map((item) => {
      const words = item.attachment ? item.name : texts.composer.reading(item.name);
      return fileChip(words, () => this.#remove(item));
    });
    const words = refusals.map((text) => el('p', { class: 'refusal', role: 'alert' }, text));
    this.#element.replaceChildren(...chips, ...words);
  }
}
