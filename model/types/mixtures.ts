// Which type each tensor gets under a name such as Q4_K_M: the mixtures of llama.cpp's quantiser.
// One table, so that it can be held beside llama_tensor_get_type_impl in src/llama-quant.cpp.
// Knows nothing of widths that do not divide into blocks; widths.ts does.
import type { GgmlType } from '../../llama/ggml-types.js';
import { architectureOf, type LayerWidths } from '../shape/llama-model.js';
import type { TensorRole } from '../shape/tensor-list.js';

export type FileType = keyof typeof MIXTURES;

/** Where a tensor stands: the `i`th of its role, from 0, of which there are `n`. */
export type Place = {
  i: number;
  n: number;
  /** Whether an importance matrix says which columns count. */
  hasImatrix: boolean;
};

type Rule = (place: Place & { gqa: number }) => GgmlType;

type Mixture = {
  /** LLAMA_FTYPE, stored as `general.file_type`. */
  fileTypeId: number;
  base: GgmlType;
  /** Some of its types cannot be made without an importance matrix. */
  needsImatrix?: true;
  tokenEmbd?: GgmlType;
  output?: GgmlType;
  attnQK?: GgmlType;
  attnV?: Rule;
  attnOutput?: GgmlType;
  ffnGateUp?: Rule;
  ffnDown?: Rule;
};

const always =
  (type: GgmlType): Rule =>
  () =>
    type;

/** The first and last eighth of the layers, and every third between. */
const moreBits = (more: GgmlType, base: GgmlType): Rule => {
  return ({ i, n }) => {
    const eighth = Math.floor(n / 8);
    const isMore = i < eighth || i >= Math.floor((7 * n) / 8) || (i - eighth) % 3 === 2;
    return isMore ? more : base;
  };
};

const firstOf =
  (parts: number, more: GgmlType, base: GgmlType): Rule =>
  ({ i, n }) =>
    i < Math.floor(n / parts) ? more : base;

const first =
  (count: number, more: GgmlType, base: GgmlType): Rule =>
  ({ i }) =>
    i < count ? more : base;

/** All but the first and last eighth of the layers. */
const between =
  (less: GgmlType, base: GgmlType): Rule =>
  ({ i, n }) =>
    i >= Math.floor(n / 8) && i < Math.floor((7 * n) / 8) ? less : base;

/** What llama.cpp does only with, or only without an importance matrix. */
const byImatrix =
  (withOne: Rule, without: Rule): Rule =>
  (place) =>
    place.hasImatrix ? withOne(place) : without(place);

const grouped =
  (more: GgmlType, base: GgmlType): Rule =>
  ({ gqa }) =>
    gqa >= 4 ? more : base;

export const MIXTURES = {
  F32: { fileTypeId: 0, base: 'F32' },
  F16: { fileTypeId: 1, base: 'F16' },
  BF16: { fileTypeId: 32, base: 'BF16' },
  Q8_0: { fileTypeId: 7, base: 'Q8_0' },
  Q6_K: { fileTypeId: 18, base: 'Q6_K' },
  Q5_K_M: {
    fileTypeId: 17,
    base: 'Q5_K',
    attnV: moreBits('Q6_K', 'Q5_K'),
    ffnDown: moreBits('Q6_K', 'Q5_K'),
  },
  Q5_K_S: { fileTypeId: 16, base: 'Q5_K' },
  Q5_0: {
    fileTypeId: 8,
    base: 'Q5_0',
    ffnDown: byImatrix(firstOf(8, 'Q5_1', 'Q5_0'), always('Q5_0')),
  },
  Q4_K_M: {
    fileTypeId: 15,
    base: 'Q4_K',
    attnV: moreBits('Q6_K', 'Q4_K'),
    ffnDown: moreBits('Q6_K', 'Q4_K'),
  },
  Q4_K_S: {
    fileTypeId: 14,
    base: 'Q4_K',
    attnV: first(4, 'Q5_K', 'Q4_K'),
    ffnDown: firstOf(8, 'Q5_K', 'Q4_K'),
  },
  IQ4_NL: {
    fileTypeId: 25,
    base: 'IQ4_NL',
    attnV: grouped('Q5_K', 'IQ4_NL'),
    ffnDown: byImatrix(always('IQ4_NL'), firstOf(8, 'Q5_K', 'IQ4_NL')),
  },
  Q4_0: {
    fileTypeId: 2,
    base: 'Q4_0',
    ffnDown: byImatrix(firstOf(8, 'Q4_1', 'Q4_0'), always('Q4_0')),
  },
  IQ4_XS: {
    fileTypeId: 30,
    base: 'IQ4_XS',
    attnV: grouped('Q5_K', 'IQ4_XS'),
    ffnDown: byImatrix(always('IQ4_XS'), firstOf(8, 'Q5_K', 'IQ4_XS')),
  },
  Q3_K_M: {
    fileTypeId: 12,
    base: 'Q3_K',
    attnV: first(2, 'Q5_K', 'Q4_K'),
    attnOutput: 'Q4_K',
    ffnDown: firstOf(16, 'Q5_K', 'Q4_K'),
  },
  IQ3_M: {
    fileTypeId: 27,
    base: 'IQ3_S',
    attnV: always('Q4_K'),
    attnOutput: 'Q4_K',
    ffnDown: firstOf(8, 'Q4_K', 'IQ3_S'),
  },
  IQ3_S: { fileTypeId: 26, base: 'IQ3_S', attnV: grouped('Q4_K', 'IQ3_S') },
  Q3_K_S: { fileTypeId: 11, base: 'Q3_K' },
  IQ3_XS: {
    fileTypeId: 22,
    base: 'IQ3_S',
    needsImatrix: true,
    attnQK: 'IQ3_XXS',
    attnV: grouped('Q4_K', 'IQ3_S'),
    ffnGateUp: between('IQ3_XXS', 'IQ3_S'),
  },
  IQ3_XXS: {
    fileTypeId: 23,
    base: 'IQ3_XXS',
    needsImatrix: true,
    tokenEmbd: 'IQ3_S',
    output: 'Q5_K',
    attnQK: 'IQ2_S',
    attnV: grouped('Q4_K', 'IQ3_XXS'),
    attnOutput: 'IQ3_S',
  },
  Q2_K: {
    fileTypeId: 10,
    base: 'Q2_K',
    attnV: grouped('Q4_K', 'Q3_K'),
    attnOutput: 'Q3_K',
    ffnDown: always('Q3_K'),
  },
  IQ2_M: {
    fileTypeId: 29,
    base: 'IQ2_S',
    needsImatrix: true,
    tokenEmbd: 'IQ3_S',
    output: 'Q5_K',
    attnV: grouped('Q4_K', 'IQ3_S'),
    attnOutput: 'IQ3_S',
    ffnDown: firstOf(8, 'IQ3_S', 'IQ2_S'),
  },
  IQ2_S: {
    fileTypeId: 28,
    base: 'IQ2_XS',
    needsImatrix: true,
    tokenEmbd: 'IQ3_S',
    output: 'Q5_K',
    attnV: grouped('Q4_K', 'IQ3_S'),
    attnOutput: 'IQ3_S',
    ffnDown: firstOf(8, 'IQ3_S', 'IQ2_XS'),
  },
  IQ2_XS: {
    fileTypeId: 20,
    base: 'IQ2_XS',
    needsImatrix: true,
    tokenEmbd: 'Q2_K',
    output: 'Q5_K',
    attnV: grouped('Q4_K', 'Q2_K'),
    ffnDown: firstOf(8, 'Q2_K', 'IQ2_XS'),
  },
  IQ2_XXS: {
    fileTypeId: 19,
    base: 'IQ2_XXS',
    needsImatrix: true,
    tokenEmbd: 'Q2_K',
    output: 'Q5_K',
    attnV: grouped('Q4_K', 'Q2_K'),
    ffnDown: firstOf(8, 'Q2_K', 'IQ2_XXS'),
  },
} as const satisfies Record<string, Mixture>;

/** Best quality first. */
export const FILE_TYPES = Object.keys(MIXTURES) as FileType[];

/** Those that can be made with an importance matrix, or without one; best quality first. */
export function fileTypesFor({ hasImatrix }: { hasImatrix: boolean }): FileType[] {
  return FILE_TYPES.filter((type) => hasImatrix || !needsImatrix(type));
}

/** Whether a file of this type cannot be made without an importance matrix. */
export function needsImatrix(fileType: FileType): boolean {
  const mixture: Mixture = MIXTURES[fileType];
  return mixture.needsImatrix ?? false;
}

/** Made without knowing which columns count, a tensor of these would be garbage. */
const WORTHLESS_WITHOUT_IMATRIX: ReadonlySet<GgmlType> = new Set([
  'IQ3_XXS',
  'IQ2_S',
  'IQ2_XS',
  'IQ2_XXS',
]);

/** Whether llama.cpp refuses to make this tensor without its row of an importance matrix. */
export function tensorNeedsImatrix(type: GgmlType, role: TensorRole): boolean {
  return role !== 'token_embd' && role !== 'output' && WORTHLESS_WITHOUT_IMATRIX.has(type);
}

/** By `general.file_type`, whatever a file has there; null where hearth does not make such files. */
export function fileTypeOf(id: unknown): FileType | null {
  return FILE_TYPES.find((type) => MIXTURES[type].fileTypeId === id) ?? null;
}

/** Whether the weights of this file type are plain floats, which need no blocks. */
export function isFloatType(fileType: FileType): boolean {
  return fileType === 'F32' || fileType === 'F16' || fileType === 'BF16';
}

/**
 * The type that llama.cpp wants for a tensor whose width divides into any block. `layers` as they
 * are stored; a tied embedding has the role `output`, as it is used as one.
 */
export function mixtureType(
  fileType: FileType,
  role: TensorRole,
  where: Place,
  layers: readonly LayerWidths[],
): GgmlType {
  if (role === 'norm') return 'F32';
  const mixture: Mixture = MIXTURES[fileType];
  const { base } = mixture;
  if (isFloatType(fileType)) return base;
  const place = { ...where, gqa: groupSize(layers) };
  switch (role) {
    case 'token_embd':
      return mixture.tokenEmbd ?? base;
    case 'output':
      return mixture.output ?? (base === 'Q8_0' ? 'Q8_0' : 'Q6_K');
    case 'attn_q':
    case 'attn_k':
      return mixture.attnQK ?? base;
    case 'attn_v':
      return sharedValueType(mixture.attnV?.(place) ?? base, base, layers);
    case 'attn_output':
      return mixture.attnOutput ?? base;
    case 'ffn_gate':
    case 'ffn_up':
      return mixture.ffnGateUp?.(place) ?? base;
    case 'ffn_down':
      return mixture.ffnDown?.(place) ?? base;
    default:
      return role satisfies never;
  }
}

/** llama.cpp's n_gqa, which it reads from layer 0. */
function groupSize([first]: readonly LayerWidths[]): number {
  return first && first.nHeadKv > 0 ? Math.floor(first.nHead / first.nHeadKv) : 0;
}

/**
 * llama.cpp's LLM_TYPE_70B: eight heads share one attn_v, which is small and so gets more bits, but not
 * in the smallest mixtures.
 */
function sharedValueType(type: GgmlType, base: GgmlType, layers: readonly LayerWidths[]): GgmlType {
  const isGrouped = layers[0]?.nHead !== layers[0]?.nHeadKv;
  const is70b = layers.length === 80 && (architectureOf(layers) === 'deci' || isGrouped);
  const isRaised = is70b && !base.startsWith('IQ2') && (type === 'Q3_K' || type === 'Q4_K');
  return isRaised ? 'Q5_K' : type;
}
