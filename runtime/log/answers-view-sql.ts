// The view that people query: every answer with its run, model and machine beside it.
// Each column has its meaning in a comment, which SQLite keeps and `.schema answers` prints.
// Health probes are left out; embeddings and failed requests are not.

/** The type that most matrices have, such as Q4_K. */
const MODEL_TYPE = `(
    SELECT key FROM json_each(model.types) WHERE key NOT IN ('F32')
    ORDER BY value DESC, key LIMIT 1
  )`;

/** The file's name without its folder and its ending: what is left of a path without all that its parts hold. */
const MODEL_FILE = `replace(
    replace(model.path, rtrim(model.path, replace(model.path, '/', '')), ''), '.gguf', ''
  )`;

export const ANSWERS_VIEW_SQL = `
CREATE VIEW answers AS
SELECT
  request.id                  AS id,                  -- rises with every request of this log
  request.started_at          AS started_at,          -- arrival, UTC, ISO 8601
  date(request.started_at, 'localtime')
                              AS day,                 -- the same as a date where the log is read
  request.endpoint            AS endpoint,            -- path of the API, or 'chat'
  model.name                  AS model,               -- name in the GGUF file
  ${MODEL_FILE}               AS model_id,            -- name of the file, as the API has it
  ${MODEL_TYPE}               AS model_type,          -- type of most matrices
  coalesce(run.gpus, machine.cpu)
                              AS device,              -- GPUs in use, else the CPU
  request.prompt_tokens       AS prompt_tokens,       -- cached ones included
  request.cached_tokens       AS cached_tokens,       -- part of the prompt found in the KV cache
  request.generated_tokens    AS generated_tokens,    -- tokens of the answer
  request.draft_tokens        AS draft_tokens,        -- drafted by a smaller model; null without one
  request.draft_accepted_tokens
                              AS draft_accepted_tokens, -- those of them that the answer took
  request.draft_gain          AS draft_gain,          -- speed with drafts by speed without
  request.queue_ms            AS queue_ms,            -- waiting for a free sequence
  request.ttft_ms             AS ttft_ms,             -- arrival to first token, queue included
  request.prompt_ms           AS prompt_ms,           -- evaluating what was not cached
  request.generation_ms       AS generation_ms,       -- generating the answer
  request.total_ms            AS total_ms,            -- arrival to last token
  request.tokens_per_second   AS tokens_per_second,   -- generated_tokens / generation time
  request.inter_token_p50_ms  AS inter_token_p50_ms,  -- median pause between two tokens
  request.inter_token_p95_ms  AS inter_token_p95_ms,  -- 95 % of the pauses are shorter
  request.inter_token_max_ms  AS inter_token_max_ms,  -- longest pause
  request.stop_reason         AS stop_reason,         -- eos, stop, length, abort, deadline, context
  request.error_code          AS error_code,          -- HEARTH_…; null for a good answer
  request.error_message       AS error_message,       -- in words
  request.dropped_turns       AS dropped_turns,       -- turns cut because the context was full
  request.dropped_tokens      AS dropped_tokens,      -- tokens of those turns
  request.context_used        AS context_used,        -- tokens in the KV cache afterwards
  run.n_ctx                   AS n_ctx,               -- tokens that the context holds
  request.rss_bytes           AS rss_bytes,           -- memory of the engine afterwards
  request.peak_rss_bytes      AS peak_rss_bytes,      -- its highest during the answer
  request.device_before_bytes AS device_before_bytes, -- GPU memory in use before
  request.device_peak_bytes   AS device_peak_bytes,   -- highest during the answer
  request.device_after_bytes  AS device_after_bytes,  -- afterwards
  request.prompt              AS prompt,              -- text, only with --log-text
  request.answer              AS answer,              -- text, only with --log-text
  request.run_id              AS run_id,              -- one for each start of the engine
  run.started_at              AS run_started_at,      -- UTC, ISO 8601
  run.load_ms                 AS load_ms,             -- loading the model
  run.backend                 AS backend,             -- cpu, cuda, vulkan, metal
  run.gpu_layers              AS gpu_layers,          -- layers on the GPU
  run.kv_type                 AS kv_type,             -- type of the KV cache
  run.parallel                AS parallel,            -- sequences decoded together
  run.threads                 AS threads,             -- CPU threads
  run.flash_attention         AS flash_attention,     -- 1 or 0
  run.mmap                    AS mmap,                -- 1 or 0
  run.llama_cpp_release       AS llama_cpp_release,   -- build of llama.cpp
  run.hearth_version          AS hearth_version,      -- version of hearth
  run.predicted_total_bytes   AS predicted_total_bytes, -- memory that the run should take
  run.total_bytes             AS measured_total_bytes,  -- memory that it took after loading
  model.sha256                AS model_sha256,        -- of the GGUF file
  model.path                  AS model_path,          -- where that file was last seen
  model.size_bytes            AS model_size_bytes,    -- of that file
  model.arch                  AS model_arch,          -- general.architecture
  model.n_params              AS n_params,            -- weights without padding
  machine.cpu                 AS cpu,                 -- name of the CPU
  machine.memory_bytes        AS memory_bytes,        -- memory of the machine
  machine.gpus                AS gpus,                -- JSON: [{"name", "memory_bytes"}]
  machine.driver              AS driver,              -- GPU driver
  machine.os                  AS os                   -- name, release and architecture
FROM request
JOIN run     ON run.id     = request.run_id
JOIN model   ON model.id   = run.model_id
JOIN machine ON machine.id = run.machine_id
WHERE NOT request.is_probe;
`;
