// The ways in which a person hands files to the page: the button, dropping them, pasting them.
import { byId } from '../../shared/dom.js';

export function offerFiles(onFiles: (files: File[]) => void): void {
  const input = byId('attach-files', HTMLInputElement);
  byId('attach-button', HTMLButtonElement).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    onFiles([...(input.files ?? [])]);
    // So that the same file can be chosen again.
    input.value = '';
  });
  document.addEventListener('dragover', (event) => {
    if (hasFiles(event.dataTransfer)) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    // A browser would leave the page and show the file.
    event.preventDefault();
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
  byId('message-input', HTMLTextAreaElement).addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
}

function hasFiles(data: DataTransfer | null): boolean {
  return data?.types.includes('Files') ?? false;
}
