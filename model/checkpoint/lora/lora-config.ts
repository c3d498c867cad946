// adapter_config.json: how much each pair of LoRA matrices counts, and what hearth cannot merge.
// A setting that would change the result and is not understood is refused by its name.
// Follows peft: rank_pattern and alpha_pattern match the end of a module's name.
import { isJsonObject } from '../bounded-json.js';
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import { isCount } from '../tensor-source.js';

export type LoraConfig = {
  fields: Record<string, unknown>;
  /** Rank and factor of B·A for a module such as `model.layers.0.self_attn.q_proj`. */
  scaleOf(module: string): { rank: number; scale: number };
  fanInFanOut: boolean;
};

/** Initialisations that leave the base weights as they are; others (PiSSA, LoftQ) change them. */
const HARMLESS_INITS = new Set<unknown>([
  undefined,
  null,
  true,
  false,
  'gaussian',
  'eva',
  'orthogonal',
]);
/** Settings that add weights or change the formula; harmless where unset. */
const UNSUPPORTED = [
  'use_dora',
  'use_qalora',
  'lora_bias',
  'modules_to_save',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
  'megatron_config',
  // Of LLM-Pruner's own peft: projections merged into one matrix.
  'enable_lora',
  'use_bdlora',
  'arrow_config',
  'kasa_config',
  'velora_config',
  'monteclora_config',
  'lora_ga_config',
] as const;

/** Checks the fields of adapter_config.json. Throws {@link CheckpointError}. */
export function parseLoraConfig(fields: Record<string, unknown>, filePath: string): LoraConfig {
  checkSupported(fields, filePath);
  const { r, lora_alpha: alpha } = fields;
  const ranks = readPattern(fields, 'rank_pattern', filePath);
  const alphas = readPattern(fields, 'alpha_pattern', filePath);
  return {
    fields,
    fanInFanOut: fields['fan_in_fan_out'] === true,
    scaleOf(module) {
      const rank = matchPattern(ranks, module) ?? r;
      const weight = matchPattern(alphas, module) ?? alpha;
      if (!isCount(rank) || rank === 0 || typeof weight !== 'number' || !Number.isFinite(weight))
        throw new CheckpointError(
          filePath,
          `has r ${showValue(rank)} and lora_alpha ${showValue(weight)}, expected numbers`,
        );
      return { rank, scale: weight / (fields['use_rslora'] === true ? Math.sqrt(rank) : rank) };
    },
  };
}

function checkSupported(fields: Record<string, unknown>, filePath: string): void {
  const refuse = (name: string, hint: string): never => {
    throw new CheckpointError(
      filePath,
      `has ${name} ${showValue(fields[name])}, which hearth cannot merge; ${hint}`,
    );
  };
  const merge = 'merge it with peft (merge_and_unload) and pass the merged model';
  if (fields['peft_type'] !== 'LORA') refuse('peft_type', 'expected "LORA"');
  if ((fields['bias'] ?? 'none') !== 'none') refuse('bias', merge);
  if (!HARMLESS_INITS.has(fields['init_lora_weights'])) refuse('init_lora_weights', merge);
  for (const name of UNSUPPORTED) if (isSet(fields[name])) refuse(name, merge);
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** A 126-layer model has 882 modules that a LoRA can name. */
const MAX_PATTERNS = 2048;

type Pattern = [name: RegExp, value: unknown][];

/** peft reads the keys as regular expressions; a stranger's could run for ever, so names only. */
function readPattern(
  fields: Record<string, unknown>,
  name: 'rank_pattern' | 'alpha_pattern',
  filePath: string,
): Pattern {
  const pattern = fields[name] ?? {};
  if (!isJsonObject(pattern))
    throw new CheckpointError(filePath, `has a ${name} that is no object`);
  const keys = Object.keys(pattern);
  if (keys.length > MAX_PATTERNS)
    throw new CheckpointError(
      filePath,
      `has ${keys.length} entries in ${name}, expected at most ${MAX_PATTERNS}`,
    );
  for (const key of keys)
    if (!/^[\w.]+$/.test(key))
      throw new CheckpointError(
        filePath,
        `has ${name} with the regular expression ${showValue(key)}; hearth takes plain module names such as "q_proj"`,
      );
  // As peft matches; a dot stands for any character there, and must here.
  return keys.map((key) => [new RegExp(`(^|\\.)(${key})$`), pattern[key]]);
}

function matchPattern(pattern: Pattern, module: string): unknown {
  return pattern.find(([name]) => name.test(module))?.[1];
}
