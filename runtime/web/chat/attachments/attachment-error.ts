// Why a file was not taken, in words for the person who chose it.

export class AttachmentError extends Error {
  override readonly name = 'AttachmentError';
}
