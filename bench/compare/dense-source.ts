// What the unpruned model can be made from in another type: its checkpoint, or a GGUF of it that is not
// quantised. A quantised file is not a source: what it rounded away would be held against the type.
// Makes into a folder that the caller removes.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { convert } from '../../converter/convert.js';
import { openFitModel } from '../../devices/fit/fit-model.js';
import { type FileType, MIXTURES } from '../../model/types/mixtures.js';
import { hasWidthsOf } from './compared-file.js';
import type { Compared } from './comparison.js';

export type DenseSource = {
  /** Writes a GGUF of `type` and returns its path. */
  make(type: FileType, options: MakeOptions): Promise<string>;
};

type MakeOptions = { folder: string; signal: AbortSignal };

const UNQUANTISED: readonly (FileType | null)[] = ['F32', 'F16', 'BF16'];

/** Null where there is nothing to make it from. Throws where the checkpoint is of another model. */
export async function openDenseSource(
  first: Compared,
  checkpoint: string | undefined,
): Promise<DenseSource | null> {
  if (checkpoint !== undefined) return await checkpointSource(checkpoint, first);
  if (!first.file || !UNQUANTISED.includes(first.file.fileType)) return null;
  return { make: (type, options) => quantiseGguf(first.path, type, options) };
}

async function checkpointSource(checkpoint: string, first: Compared): Promise<DenseSource> {
  const { kind, fileType, model } = await openFitModel(checkpoint);
  if (kind === 'gguf' && !UNQUANTISED.includes(fileType))
    throw new Error(
      `--dense-checkpoint ${checkpoint} is a GGUF of type ${fileType ?? 'unknown'}; give the unpruned checkpoint, or a GGUF of it as F16, BF16 or F32`,
    );
  if (first.file && !hasWidthsOf(model.shape, first.file.sized.shape))
    throw new Error(
      `--dense-checkpoint ${checkpoint} has other widths than ${first.label}; give the checkpoint that ${first.label} was converted from`,
    );
  const template = first.file?.chatTemplate ?? null;
  return {
    async make(type, { folder, signal }) {
      const output = path.join(folder, `dense-${type}.gguf`);
      const templateFile = path.join(folder, 'template.jinja');
      if (template !== null) await writeFile(templateFile, template);
      const chatTemplate = template === null ? undefined : templateFile;
      await convert({ checkpoint, output, type, chatTemplate, signal, force: true });
      return output;
    },
  };
}

/** As stock-quantise.ts takes it. */
const ALL_THREADS = '0';

/** By llama.cpp's own quantiser, in a process of its own. */
async function quantiseGguf(
  source: string,
  type: FileType,
  { folder, signal }: MakeOptions,
): Promise<string> {
  const output = path.join(folder, `dense-${type}.gguf`);
  const script = path.join(import.meta.dirname, '../../llama/stock-quantise.js');
  const fileType = String(MIXTURES[type].fileTypeId);
  const words = [script, ALL_THREADS, path.resolve(source), output, fileType];
  try {
    await promisify(execFile)(process.execPath, words, { signal, maxBuffer: 64 * 2 ** 20 });
  } catch (cause) {
    signal.throwIfAborted();
    const { stderr = '' } = cause as { stderr?: string };
    const last = stderr.trim().split('\n').at(-1);
    throw new Error(`llama.cpp cannot make ${type} of ${source}: ${last}`, { cause });
  }
  return output;
}
