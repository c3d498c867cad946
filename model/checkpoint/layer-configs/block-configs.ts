// NVIDIA's block_configs: Model-Optimizer's Puzzletron (num_key_value_heads, intermediate_size) and
// the Nemotron-NAS models that came before it (n_heads_in_group, ffn_mult).
// Heads, channels and parts left out are taken; anything else that is switched on is refused by name.
// https://github.com/NVIDIA/Model-Optimizer/blob/main/modelopt/torch/puzzletron/block_config.py
import { isJsonObject } from '../bounded-json.js';
import { CheckpointError } from '../checkpoint-error.js';
import { showValue } from '../show-value.js';
import {
  checkListLength,
  count,
  type LayerConfig,
  layerCount,
  type ReadLayerConfigs,
} from './layer-config.js';

const FIELD = 'block_configs';

export const readBlockConfigs: ReadLayerConfigs = (config, configPath) => {
  const blocks = config[FIELD] ?? [];
  if (!Array.isArray(blocks))
    throw new CheckpointError(configPath, `has ${FIELD} ${showValue(blocks)}, expected a list`);
  if (blocks.length === 0) return null;
  checkListLength(blocks, FIELD, { nLayer: layerCount(config, configPath), configPath });
  return blocks.map((block, i) => {
    const read = (part: string) => new PartConfig(block, { block: i, part, configPath });
    checkNothingElse(block, i, configPath);
    return { ...readAttention(read('attention'), config), nFf: readFfn(read('ffn'), config) };
  });
};

/** Layers that run side by side, as `parallel_blocks`, have no place in llama.cpp. */
function checkNothingElse(block: unknown, i: number, configPath: string): void {
  for (const [name, value] of Object.entries(isJsonObject(block) ? block : {}))
    if (name !== 'attention' && name !== 'ffn' && !isOff(value))
      throw new CheckpointError(
        configPath,
        `has ${FIELD}[${i}].${name} ${showValue(value)}; hearth converts blocks of one attention and one ffn`,
      );
}

function readAttention(
  attention: PartConfig,
  config: Record<string, unknown>,
): Pick<LayerConfig, 'nHead' | 'nHeadKv'> {
  attention.refuseAllBut(['num_key_value_heads', 'n_heads_in_group']);
  if (attention.isNoOp) return { nHead: 0, nHeadKv: 0 };
  const { num_attention_heads: heads } = config;
  const nHead = count(heads, 'num_attention_heads', attention.configPath);
  if (attention.has('num_key_value_heads'))
    return { nHead, nHeadKv: attention.count('num_key_value_heads') };
  const nInGroup = attention.count('n_heads_in_group');
  if (nInGroup > 0 && nHead % nInGroup === 0) return { nHead, nHeadKv: nHead / nInGroup };
  attention.fail('n_heads_in_group', `expected a divisor of num_attention_heads ${nHead}`);
}

function readFfn(ffn: PartConfig, config: Record<string, unknown>): number {
  ffn.refuseAllBut(['intermediate_size', 'ffn_mult']);
  if (ffn.isNoOp) return 0;
  if (ffn.has('intermediate_size')) return ffn.count('intermediate_size');
  const factor = ffn.value('ffn_mult');
  if (typeof factor !== 'number' || !(factor > 0))
    ffn.fail('ffn_mult', 'expected a number above 0');
  const nEmbd = count(config['hidden_size'], 'hidden_size', ffn.configPath);
  return Math.ceil(Math.trunc((2 * factor * nEmbd) / 3) / FFN_MULTIPLE) * FFN_MULTIPLE;
}

/** Widths from ffn_mult are rounded up to whole ones of these, in NVIDIA's code and llama.cpp's. */
const FFN_MULTIPLE = 256;

/** Fields that change nothing, and what they may be. */
const HARMLESS: Readonly<Record<string, (value: unknown) => boolean>> = {
  weights_precision: () => true,
  hidden_act: (value) => value === 'silu',
  gated: (value) => value === true,
};

type Place = { block: number; part: string; configPath: string };

/** `attention` or `ffn` of one block, with errors that name the field. */
class PartConfig {
  readonly configPath: string;
  readonly isNoOp: boolean;
  readonly #fields: Record<string, unknown>;
  readonly #where: string;

  constructor(block: unknown, { block: i, part, configPath }: Place) {
    const fields = isJsonObject(block) ? block[part] : undefined;
    this.configPath = configPath;
    this.#where = `${FIELD}[${i}].${part}`;
    if (!isJsonObject(fields))
      throw new CheckpointError(
        configPath,
        `has ${this.#where} ${showValue(fields)}, expected an object`,
      );
    this.#fields = fields;
    this.isNoOp = fields['no_op'] === true;
  }

  has(name: string): boolean {
    return (this.#fields[name] ?? null) !== null;
  }

  value(name: string): unknown {
    return this.#fields[name];
  }

  count(name: string): number {
    return count(this.value(name), `${this.#where}.${name}`, this.configPath);
  }

  /** Fields other than `known` that are on, such as a linear layer in this part's place. */
  refuseAllBut(known: readonly string[]): void {
    for (const [name, value] of Object.entries(this.#fields)) {
      if (name === 'no_op' && typeof value === 'boolean') continue;
      if (known.includes(name) || isOff(value) || HARMLESS[name]?.(value)) continue;
      const advice = ADVICE[name] ?? 'hearth converts plain attention and gated feed-forward parts';
      this.fail(name, advice);
    }
  }

  fail(name: string, problem: string): never {
    throw new CheckpointError(
      this.configPath,
      `has ${this.#where}.${name} ${showValue(this.value(name))}; ${problem}`,
    );
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  replace_with_linear:
    'a linear layer in the place of a part is not a Llama any more; search again without replace_with_linear, with no_op in its place',
  moe: 'hearth converts no mixtures of experts',
  mamba: 'hearth converts no state space layers',
};

/** As a Python config spells that a feature is not used. */
function isOff(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}
