// What a tokenizer.json puts around text, read from its TemplateProcessing as gguf-py does.
// Follows gguf-py's SpecialVocab (gguf/vocab.py), so the pairs are llama.cpp's own converter's.
// Reads the simple templates only; a special token in the middle of text is none of llama.cpp's.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import type { SpecialRole } from './special-roles.js';

/** The texts of special tokens by role; changed where a template tells better. */
export type SpecialNames = Partial<Record<SpecialRole, string>>;

export type Additions = Partial<Record<'bos' | 'eos' | 'sep', boolean>>;

/** Which tokens a text gets around it. Adds to `names` what only the template names. */
export function readTemplates(postProcessor: unknown, names: SpecialNames): Additions {
  if (!isJsonObject(postProcessor)) return {};
  const { processors } = postProcessor;
  const list: unknown[] = Array.isArray(processors) ? processors.slice(0, 8) : [postProcessor];
  const additions: Additions = {};
  for (const processor of list)
    if (isJsonObject(processor) && processor['type'] === 'TemplateProcessing')
      Object.assign(additions, readTemplate(processor, names));
  return additions;
}

function readTemplate(processor: Record<string, unknown>, names: SpecialNames): Additions {
  const single = listPieces(processor['single']);
  const isFramed = single.length > 1;
  const first = isFramed ? single[0]?.special : undefined;
  const last = isFramed ? single.at(-1)?.special : undefined;
  const additions = { ...readFirst(first, names), ...readLast(last, names) };
  return { ...additions, ...readPair(listPieces(processor['pair']), { first, last }, names) };
}

type TemplatePiece = { special: string | undefined; sequence: string | undefined };

function listPieces(template: unknown): TemplatePiece[] {
  const pieces: unknown[] = Array.isArray(template) ? template.slice(0, 16) : [];
  return pieces.map((piece) => ({
    special: idOf(piece, 'SpecialToken'),
    sequence: idOf(piece, 'Sequence'),
  }));
}

function idOf(piece: unknown, kind: string): string | undefined {
  const token = isJsonObject(piece) ? piece[kind] : undefined;
  const id = isJsonObject(token) ? token['id'] : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function readFirst(first: string | undefined, names: SpecialNames): Additions {
  if (first === undefined) return {};
  if (first !== names.bos) {
    names.bos ??= first;
    names.cls ??= first;
  }
  return { bos: first === names.bos || first === names.cls };
}

/** Another token behind the text than eos is the real end, and eos the end of a turn. */
function readLast(last: string | undefined, names: SpecialNames): Additions {
  if (last === undefined) return {};
  const displaced = names.eos;
  if (displaced !== undefined && displaced !== last)
    names[names.eot === undefined ? 'eot' : 'eom'] = displaced;
  names.eos = last;
  return { eos: true };
}

/** Two texts: `[first] A [separator] B [last]`. */
function readPair(
  pair: TemplatePiece[],
  { first, last }: { first: string | undefined; last: string | undefined },
  names: SpecialNames,
): Additions {
  const start = first !== undefined && pair[0]?.special === first ? 1 : 0;
  const end = last !== undefined && pair.at(-1)?.special === last ? -1 : undefined;
  const inner = pair.slice(start, end);
  const isPair = inner[0]?.sequence === 'A' && inner.at(-1)?.sequence === 'B';
  const between = inner.slice(1, -1);
  if (!isPair || between.length === 0) return {};
  const separates = (piece: TemplatePiece | undefined) =>
    piece?.special !== undefined && [names.sep, names.eos].includes(piece.special);
  const second = between.length === 2 && separates(between[1]);
  return { sep: (separates(between[0]) && last === undefined) || second };
}
