// Where the entries of a torch.save archive lie: torch stores them uncompressed, so that
// their bytes can be read straight from the file. yauzl knows the directory and zip64.
// Does not decompress or decrypt anything; entries that would need it are refused.
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { CheckpointError } from './checkpoint-error.js';
import type { HeaderBudget } from './header-budget.js';
import type { SourceFile } from './source-file.js';

/** The bytes of one entry: `[offsetBytes, offsetBytes + sizeBytes)` of the file. */
export type StoredEntry = { offsetBytes: number; sizeBytes: number };

/** A 126-layer model with gradients left behind has 3600. */
const MAX_ENTRIES = 8192;
const MAX_NAME_BYTES = 1024;
const MAX_EXTRA_BYTES = 4096;

/** Entries by name, every one inside the file. Throws {@link CheckpointError}. */
export async function readStoredZip(
  file: SourceFile,
  budget?: HeaderBudget,
): Promise<Map<string, StoredEntry>> {
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(new BoundedReader(file), file.sizeBytes, {
      autoClose: false,
      strictFileNames: true,
    });
    if (zip.entryCount > MAX_ENTRIES) throw refuse(file, `lists ${zip.entryCount} entries`);
    budget?.spend({ entries: zip.entryCount });
    return await readEntries(zip, file);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw refuse(file, `is a broken zip archive: ${(cause as Error).message}`, { cause });
  }
}

async function readEntries(zip: ZipFile, file: SourceFile): Promise<Map<string, StoredEntry>> {
  const entries = new Map<string, StoredEntry>();
  for await (const entry of zip.eachEntry()) {
    checkEntry(entry, file);
    if (entries.has(entry.fileName)) throw refuse(file, `lists "${entry.fileName}" twice`);
    // Also checks that the data ends inside the file.
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    entries.set(entry.fileName, {
      offsetBytes: fileDataStart,
      sizeBytes: entry.uncompressedSize,
    });
  }
  return entries;
}

function checkEntry(entry: Entry, file: SourceFile): void {
  const extraBytes = entry.extraFieldLength + entry.fileCommentLength;
  if (entry.fileNameLength > MAX_NAME_BYTES || extraBytes > MAX_EXTRA_BYTES)
    throw refuse(file, 'has an entry with an overlong name');
  if (entry.isEncrypted()) throw refuse(file, `entry "${entry.fileName}" is encrypted`);
  if (entry.compressionMethod !== 0)
    throw new CheckpointError(
      file.path,
      `entry "${entry.fileName}" is compressed, which torch.save never does; unpack it and zip it again without compression (zip -0)`,
    );
}

function refuse(file: SourceFile, problem: string, options?: ErrorOptions): CheckpointError {
  return new CheckpointError(
    file.path,
    `${problem}; the file is damaged or truncated: copy or download it again`,
    options,
  );
}

/** Reads for yauzl. Offsets from the file may lie anywhere, and fs.read throws on some of them. */
class BoundedReader extends yauzl.RandomAccessReader {
  readonly #file: SourceFile;

  constructor(file: SourceFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    if (position + length > this.#file.sizeBytes) {
      setImmediate(callback, new Error('an offset points behind the end of the file'));
      return;
    }
    this.#file.handle.read(buffer, offset, length, position).then(
      ({ bytesRead }) => callback(null, bytesRead),
      (error: Error) => callback(error),
    );
  }
}
