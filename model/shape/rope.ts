// Rotary position embedding as a config describes it, in the terms that GGUF has for it.
// transformers spells it rope_theta and rope_scaling, from version 5 on rope_parameters.
// A kind that llama.cpp would compute differently is refused by name, never passed over.
import { CheckpointError } from '../checkpoint/checkpoint-error.js';

export type RopeScaling =
  | { kind: 'none' }
  | { kind: 'linear'; factor: number }
  | {
      kind: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      /** Context before the factor, in tokens. */
      originalContext: number;
    }
  /** As a GGUF stores them; see {@link ropeFrequencyFactors}. */
  | { kind: 'factors'; factors: Float32Array };

const DEFAULT_THETA = 10000;

/** Base of the rotation angles. Throws {@link CheckpointError} where it is no positive number. */
export function readRopeTheta(config: Record<string, unknown>, path: string): number {
  const theta = config['rope_theta'] ?? parameters(config)['rope_theta'] ?? DEFAULT_THETA;
  return number(theta, 'rope_theta', path);
}

/** How positions are scaled. Throws {@link CheckpointError} for a kind that is not known here. */
export function readRopeScaling(config: Record<string, unknown>, path: string): RopeScaling {
  const fields = parameters(config);
  const type = fields['rope_type'] ?? fields['type'] ?? 'default';
  const field = (name: string, fallback?: number) => number(fields[name] ?? fallback, name, path);
  switch (type) {
    case 'default':
    // Dynamic scaling changes nothing within the trained context, which is what is written.
    case 'dynamic':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor: field('factor') };
    case 'llama3':
      return {
        kind: 'llama3',
        factor: field('factor', 8),
        lowFreqFactor: field('low_freq_factor', 1),
        highFreqFactor: field('high_freq_factor', 4),
        originalContext: field('original_max_position_embeddings', 8192),
      };
    default:
      throw new CheckpointError(
        path,
        `its config has rope_scaling of type ${JSON.stringify(type)}; hearth converts default, dynamic, linear and llama3`,
      );
  }
}

/**
 * Divisors of the rotation frequencies, `headSize / 2` of them, which llama.cpp reads as
 * `rope_freqs.weight`; null where every one is 1.
 * Formula: transformers, modeling_rope_utils.py, _compute_llama3_parameters.
 */
export function ropeFrequencyFactors(
  scaling: RopeScaling,
  headSize: number,
  theta: number,
): Float32Array | null {
  if (scaling.kind === 'factors') return scaling.factors;
  if (scaling.kind !== 'llama3') return null;
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
  return Float32Array.from({ length: headSize / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headSize);
    if (wavelength < originalContext / highFreqFactor) return 1;
    if (wavelength > originalContext / lowFreqFactor) return factor;
    const smooth =
      (originalContext / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function parameters(config: Record<string, unknown>): Record<string, unknown> {
  const fields = config['rope_parameters'] ?? config['rope_scaling'];
  return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {};
}

function number(value: unknown, name: string, path: string): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw new CheckpointError(path, `its config has ${name} ${JSON.stringify(value)}`);
}
