// Which weights llama.cpp's CPU backend keeps in another order, for kernels that take several rows
// at once. They then lie in a buffer of their own: beside the mapped file, and apart from a tied
// embedding. Source: ggml_repack_get_optimal_repack_type in ggml/src/ggml-cpu/repack.cpp.
import { readFileSync } from 'node:fs';
import type { AnyGgmlType } from '../../llama/ggml-types.js';

/** What the CPU can do, of what that choice asks for. */
export type CpuFeature = 'avx2' | 'avx512' | 'dotprod' | 'i8mm';

/** By feature, the rows that are taken at once for each type. */
const ROWS: Readonly<Record<CpuFeature, Partial<Record<AnyGgmlType, number>>>> = {
  avx2: { Q4_0: 8, Q4_K: 8, IQ4_NL: 8, MXFP4: 8 },
  avx512: { Q2_K: 8 },
  dotprod: { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, IQ4_NL: 4, MXFP4: 4, Q8_0: 4 },
  i8mm: { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, Q8_0: 4 },
};

/** Whether a matrix of `nRows` rows is repacked. */
export function isRepacked(
  type: AnyGgmlType,
  nRows: number,
  features: ReadonlySet<CpuFeature>,
): boolean {
  return [...features].some((feature) => {
    const rows = ROWS[feature][type];
    return rows !== undefined && nRows % rows === 0;
  });
}

/** As the kernel lists them: x86's flags, or ARM's. */
const FLAGS: Readonly<Record<string, CpuFeature>> = {
  avx2: 'avx2',
  avx512f: 'avx512',
  asimddp: 'dotprod',
  i8mm: 'i8mm',
};

let found: ReadonlySet<CpuFeature> | undefined;

/** This machine's. Where the system does not list them, what its architecture mostly has. */
export function cpuFeatures(): ReadonlySet<CpuFeature> {
  found ??= readFeatures();
  return found;
}

function readFeatures(): ReadonlySet<CpuFeature> {
  try {
    const text = readFileSync('/proc/cpuinfo', 'latin1');
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
    return new Set(flags.flatMap((flag) => FLAGS[flag] ?? []));
  } catch {
    return new Set(process.arch === 'arm64' ? ['dotprod', 'i8mm'] : ['avx2']);
  }
}
