// Opens what torch.save wrote: a zip of data.pkl, one entry a storage, and the byte order.
// torch 1.6 to 2.x write this form; the older plain pickle is refused with what to do.
// Reads the pickle, but no weights.
import { formatDisk } from '../../../terminal/units.js';
import { CheckpointError } from '../checkpoint-error.js';
import type { HeaderBudget } from '../header-budget.js';
import { unpickle } from '../pickle/unpickle.js';
import type { PickleValue } from '../pickle/value.js';
import { readRange, type SourceFile, withSourceFile } from '../source-file.js';
import { readStoredZip, type StoredEntry } from '../stored-zip.js';

export type TorchArchive = {
  filePath: string;
  /** What the pickle holds, as inert records. */
  root: PickleValue;
  /** Where a storage lies, by the key that the pickle calls it. */
  storages: ReadonlyMap<string, StoredEntry>;
};

/** Module trees of 126 layers take 2 MB, a Llama 3 tokenizer 9 MB more. */
const MAX_PICKLE_BYTES = 24 << 20;
const ZIP_MAGIC = Buffer.from('PK\x03\x04', 'latin1');
const PICKLE_PROTO = 0x80;
const DATA_PICKLE = /^[^/]+\/data\.pkl$/;

/** Throws {@link CheckpointError} for anything but an archive that torch.save wrote. */
export async function openTorchArchive(
  filePath: string,
  budget?: HeaderBudget,
): Promise<TorchArchive> {
  return await withSourceFile(filePath, async (file) => {
    await checkMagic(file);
    const entries = await readStoredZip(file, budget);
    const pickleName = findPickle(entries, file);
    const prefix = pickleName.slice(0, -'data.pkl'.length);
    await checkByteOrder(file, entries.get(`${prefix}byteorder`));
    const stored = entries.get(pickleName) as StoredEntry;
    budget?.spend({ bytes: stored.sizeBytes });
    const pickle = await readPickle(file, stored);
    return {
      filePath,
      root: unpickle(pickle, filePath),
      storages: below(`${prefix}data/`, entries),
    };
  });
}

async function checkMagic(file: SourceFile): Promise<void> {
  if (file.sizeBytes === 0)
    throw new CheckpointError(file.path, 'is empty; copy or download it again');
  const start = await readRange(file, 0, Math.min(ZIP_MAGIC.length, file.sizeBytes));
  if (start.equals(ZIP_MAGIC)) return;
  if (start[0] === PICKLE_PROTO)
    throw new CheckpointError(
      file.path,
      'is a plain pickle, as PyTorch before 1.6 wrote it; load it once in PyTorch 1.6 or newer and torch.save it again',
    );
  throw new CheckpointError(
    file.path,
    'is not a PyTorch file: expected the zip archive that torch.save writes',
  );
}

function findPickle(entries: ReadonlyMap<string, StoredEntry>, file: SourceFile): string {
  const names = [...entries.keys()].filter((name) => DATA_PICKLE.test(name));
  const [name] = names;
  if (name !== undefined && names.length === 1) return name;
  throw new CheckpointError(
    file.path,
    `is a zip archive with ${names.length} data.pkl, expected one: torch.save did not write it`,
  );
}

/** Archives of torch 1.x do not tell; every machine that hearth knows is little-endian. */
async function checkByteOrder(file: SourceFile, entry: StoredEntry | undefined): Promise<void> {
  if (!entry) return;
  const bytes = await readRange(file, entry.offsetBytes, Math.min(entry.sizeBytes, 16));
  if (bytes.toString('latin1') !== 'little')
    throw new CheckpointError(
      file.path,
      'was not written on a little-endian machine; load and torch.save it again on one',
    );
}

async function readPickle(file: SourceFile, entry: StoredEntry): Promise<Buffer> {
  if (entry.sizeBytes > MAX_PICKLE_BYTES)
    throw new CheckpointError(
      file.path,
      `data.pkl has ${formatDisk(entry.sizeBytes)}, expected at most ${formatDisk(MAX_PICKLE_BYTES)}; it is not a Llama model`,
    );
  return await readRange(file, entry.offsetBytes, entry.sizeBytes);
}

function below(
  prefix: string,
  entries: ReadonlyMap<string, StoredEntry>,
): ReadonlyMap<string, StoredEntry> {
  const found = [...entries].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, entry]) => [name.slice(prefix.length), entry]));
}
