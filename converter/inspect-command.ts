// hearth inspect: what a GGUF or a checkpoint is, as text or JSON.
// Control characters of a stranger's names are made visible before they reach a terminal.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { describeLayers, layersJson } from '../model/shape/layer-widths.js';
import { printable } from '../terminal/foreign-text.js';
import { print } from '../terminal/print.js';
import { formatCount, formatDisk, formatPercent } from '../terminal/units.js';
import { type Inspection, inspect } from './inspect.js';

const inspectOptions = { json: { describe: 'Print JSON', type: 'boolean' } } as const;

type InspectArguments = InferredOptionTypes<typeof inspectOptions> & { file: string };

export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <file>',
  describe: 'Say what a GGUF or a checkpoint is; runs nothing from it',
  builder: (yargs: Argv) =>
    yargs
      .positional('file', {
        describe: 'A GGUF, a pytorch_model.bin, or a folder with a checkpoint',
        type: 'string',
        demandOption: true,
      })
      .options(inspectOptions)
      .example('$0 inspect chat.gguf', 'Widths, types, size, tokenizer, provenance'),
  handler: async ({ file, json }) => {
    const inspection = await inspect(file);
    const text = json ? JSON.stringify(toJson(inspection), null, 2) : toText(inspection);
    print(text);
  },
};

function toText(inspection: Inspection): string {
  const { nParams, nParamsDense, padding } = inspection;
  const kept =
    nParamsDense && nParamsDense > nParams
      ? `, ${formatPercent(nParams / nParamsDense)} of ${formatCount(nParamsDense)}`
      : '';
  const rows: [string, string | null][] = [
    ['kind', `${KINDS[inspection.kind]}, architecture ${inspection.arch}`],
    ['name', inspection.name],
    ['parameters', formatCount(nParams) + kept],
    ['layers', describeLayers(inspection.layers)],
    [
      'widths',
      `n_embd ${inspection.nEmbd}, head size ${inspection.headSize}, vocabulary ${inspection.nVocab}${inspection.tiedEmbeddings ? ', tied embeddings' : ''}`,
    ],
    ['context', `${inspection.nCtxTrain} tokens`],
    ['types', describeTypes(inspection)],
    ['size', formatDisk(inspection.sizeBytes)],
    ['tokenizer', inspection.tokenizer ?? 'none'],
    ['template', inspection.chatTemplate ? firstLine(inspection.chatTemplate) : 'none'],
    ['padding', padding && `before padding: ${describePadding(padding)}`],
    ...Object.entries(inspection.provenance).map(([key, value]): [string, string | null] => [
      key,
      value === null ? null : provenanceText(key, value),
    ]),
  ];
  const lines = rows.filter((row): row is [string, string] => Boolean(row[1]));
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    visible(inspection.path),
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${visible(value)}`),
  ].join('\n');
}

const KINDS: Readonly<Record<Inspection['kind'], string>> = {
  gguf: 'GGUF',
  'llm-pruner': 'LLM-Pruner checkpoint',
  flap: 'FLAP checkpoint',
  'hugging-face': 'Hugging Face checkpoint',
  puzzletron: 'Puzzletron checkpoint',
  'deci-lm': 'DeciLM checkpoint',
};

function describeTypes({ types, fileType }: Inspection): string {
  const parts = Object.entries(types).map(([type, bytes]) => `${type} ${formatDisk(bytes)}`);
  return (fileType ? `${fileType}: ` : '') + parts.join(', ');
}

function describePadding({ nEmbd, nFf, nHead }: NonNullable<Inspection['padding']>): string {
  return [
    ...(nEmbd === undefined ? [] : [`n_embd ${nEmbd}`]),
    ...(nFf ? [`n_ff ${[...new Set(nFf)].join(', ')}`] : []),
    ...(nHead ? [`heads ${[...new Set(nHead)].join(', ')}`] : []),
  ].join('; ');
}

function firstLine(template: string): string {
  const line = template.trim().split('\n')[0] as string;
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** Arguments of a script as it is called; all else as JSON. */
function provenanceText(key: string, value: unknown): string {
  if (!/pruning[._]arguments$/.test(key)) return compact(value);
  const parsed: unknown = typeof value === 'string' ? parsedOr(value) : value;
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return compact(value);
  return Object.entries(parsed)
    .filter(([, argument]) => String(argument) !== 'False')
    .map(([name, argument]) =>
      String(argument) === 'True' ? `--${name}` : `--${name} ${compact(argument)}`,
    )
    .join(' ');
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function compact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A name may be as long as its file; --json has it whole. */
const MAX_VALUE_CHARACTERS = 1000;

/** On one line, and nothing that a terminal obeys. */
function visible(text: string): string {
  const short =
    text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…` : text;
  return printable(short).replaceAll('\n', '\\n');
}

/** snake_case, as GGUF's keys are. */
function toJson(inspection: Inspection) {
  return {
    kind: inspection.kind,
    path: inspection.path,
    name: inspection.name,
    architecture: inspection.arch,
    parameters: inspection.nParams,
    parameters_unpruned: inspection.nParamsDense,
    size_bytes: inspection.sizeBytes,
    embedding_length: inspection.nEmbd,
    vocab_size: inspection.nVocab,
    head_size: inspection.headSize,
    context_length: inspection.nCtxTrain,
    tied_embeddings: inspection.tiedEmbeddings,
    ...layersJson(inspection.layers),
    file_type: inspection.fileType,
    type_bytes: inspection.types,
    tokenizer: inspection.tokenizer,
    chat_template: inspection.chatTemplate,
    padding: inspection.padding && {
      embedding_length: inspection.padding.nEmbd,
      feed_forward_length: inspection.padding.nFf,
      head_count: inspection.padding.nHead,
    },
    provenance: inspection.provenance,
  };
}
