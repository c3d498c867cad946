// Chat templates by name, in Jinja, for checkpoints whose tokenizer has none.
// Each gives what the models of that format were trained on; they start with bos where the published
// template does, which llama.cpp takes off before its tokeniser adds it. No tools.

/**
 * Meta's Llama 2: `[INST] <<SYS>>..<</SYS>> question [/INST] answer`
 * (huggingface.co/meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json).
 */
const LLAMA_2 = `{%- set next = namespace(system='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{%- set next.system = '<<SYS>>\\n' + message['content'] | trim + '\\n<</SYS>>\\n\\n' -%}
{%- elif message['role'] == 'assistant' -%}
{{- ' ' + message['content'] | trim + ' ' -}}{{- eos_token -}}
{%- else -%}
{{- bos_token -}}{{- '[INST] ' + next.system + message['content'] | trim + ' [/INST]' -}}
{%- set next.system = '' -%}
{%- endif -%}
{%- endfor -%}
`;

/** Meta's Llama 3: a header before each message (llama.com, model cards and prompt formats). */
const LLAMA_3 = `{{- bos_token -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
{%- endif -%}
`;

/**
 * Stanford Alpaca, as LLM-Pruner's post_training.py trains on it (templates/alpaca.json):
 * a preamble, then `### Instruction:` and `### Response:`. A system message replaces the preamble.
 */
const ALPACA = `{{- bos_token -}}
{%- if messages[0]['role'] == 'system' -%}
{%- set turns = messages[1:] -%}
{{- messages[0]['content'] | trim + '\\n\\n' -}}
{%- else -%}
{%- set turns = messages -%}
{{- 'Below is an instruction that describes a task. Write a response that appropriately completes the request.\\n\\n' -}}
{%- endif -%}
{%- for message in turns -%}
{%- if message['role'] == 'assistant' -%}
{{- '### Response:\\n' + message['content'] | trim -}}{{- eos_token -}}{{- '\\n\\n' -}}
{%- else -%}
{{- '### Instruction:\\n' + message['content'] | trim + '\\n\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '### Response:\\n' -}}
{%- endif -%}
`;

/** OpenAI's ChatML: `<|im_start|>role`, text, `<|im_end|>`; published templates have no bos. */
const CHATML = `{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
`;

export const BUILT_IN_TEMPLATES = {
  'llama-2': LLAMA_2,
  'llama-3': LLAMA_3,
  alpaca: ALPACA,
  chatml: CHATML,
} as const;
