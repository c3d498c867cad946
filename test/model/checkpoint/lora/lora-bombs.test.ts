// Hostile LoRA folders beside a checkpoint that is right.
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { safetensorsFile, tinySafetensors, writeTinyFolder } from '../../../support/tiny-torch.js';
import { type Bomb, floods, headerOf, testBombs, worstJson } from '../bomb.js';

const MIB = 1 << 20;
const TERABYTE = 2 ** 40;

/** The tiny checkpoint with a LoRA folder whose config and matrices are these. */
function lora(message: RegExp, config: () => string, matrices: () => Buffer): Bomb {
  return {
    message,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      writeFileSync(path.join(adapter, 'adapter_config.json'), config());
      writeFileSync(path.join(adapter, 'adapter_model.safetensors'), matrices());
      return { checkpoint: folder, lora: adapter };
    },
  };
}

const loraConfig = (fields: object) =>
  JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 4, ...fields });
const Q_PROJ = 'base_model.model.model.layers.0.self_attn.q_proj';
const loraMatrices = () =>
  tinySafetensors({ [`${Q_PROJ}.lora_A.weight`]: [2, 4], [`${Q_PROJ}.lora_B.weight`]: [4, 2] });

testBombs({
  'an adapter config of open brackets': lora(/JSON/, () => '{"a":'.repeat(MIB / 2), loraMatrices),
  'an adapter config of patterns': lora(
    /rank_pattern/,
    () => loraConfig({ rank_pattern: JSON.parse(worstJson(49_000, 0)) }),
    loraMatrices,
  ),
  'a pattern that never ends': lora(
    /regular expression/,
    () => loraConfig({ alpha_pattern: { '(a+)+$': 1 } }),
    loraMatrices,
  ),
  'a rank that is an object': lora(
    /r an object/,
    () => loraConfig({ r: { toString: 1, valueOf: 1 } }),
    loraMatrices,
  ),
  'a LoRA of many matrices': lora(
    /not a LoRA matrix/,
    () => loraConfig({}),
    () => safetensorsFile(floods(12_000)),
  ),
  'a LoRA with a name of megabytes': lora(
    /not a LoRA matrix/,
    () => loraConfig({}),
    () => safetensorsFile(headerOf([`base_model.model.${'.lora_A'.repeat(1.1e6)}`])),
  ),
  'a LoRA of terabytes': {
    message: /truncated/,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      writeFileSync(path.join(adapter, 'adapter_config.json'), loraConfig({}));
      const matrices = path.join(adapter, 'adapter_model.safetensors');
      writeFileSync(matrices, loraMatrices());
      truncateSync(matrices, 4 * TERABYTE);
      return { checkpoint: folder, lora: adapter };
    },
  },
  'a LoRA that is a pipe': {
    message: /adapter_model/,
    write(folder) {
      writeTinyFolder(folder);
      const adapter = path.join(folder, 'lora');
      mkdirSync(adapter);
      execFileSync('mkfifo', [path.join(adapter, 'adapter_model.bin')]);
      return { checkpoint: folder, lora: adapter };
    },
  },
});
