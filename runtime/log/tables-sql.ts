// The tables of the log. Comments inside the SQL are kept by SQLite: `.schema` is the manual.
// Times are UTC as ISO 8601 text, sizes bytes, durations ms; lists and objects are JSON text.
// A landed migration is never edited; a change is a new migration.

export const TABLES_SQL = `
CREATE TABLE machine (
  -- One row for each state of a machine: a new GPU or driver makes a new row.
  id            INTEGER PRIMARY KEY,
  first_seen_at TEXT NOT NULL,
  cpu           TEXT NOT NULL,
  cpu_cores     INTEGER NOT NULL,
  memory_bytes  INTEGER NOT NULL,
  gpus          TEXT NOT NULL CHECK (json_valid(gpus)), -- [{"name", "memory_bytes"}]
  driver        TEXT,                                   -- of the first GPU
  os            TEXT NOT NULL                           -- name, release and architecture
) STRICT;

CREATE TABLE model (
  -- One row for each GGUF file by content, or by path until its hash is known.
  id          INTEGER PRIMARY KEY AUTOINCREMENT,            -- never given twice
  sha256      TEXT UNIQUE,
  path        TEXT NOT NULL,                                -- where it was last seen
  modified_at TEXT NOT NULL,                                -- of the file at that path
  size_bytes  INTEGER NOT NULL,
  name        TEXT NOT NULL,
  arch        TEXT NOT NULL,
  n_params    INTEGER NOT NULL,
  n_layer     INTEGER NOT NULL,
  n_embd      INTEGER NOT NULL,
  n_vocab     INTEGER NOT NULL,
  n_head      TEXT NOT NULL CHECK (json_valid(n_head)),     -- [n_layer]
  n_head_kv   TEXT NOT NULL CHECK (json_valid(n_head_kv)),  -- [n_layer]
  n_ff        TEXT NOT NULL CHECK (json_valid(n_ff)),       -- [n_layer]
  types       TEXT NOT NULL CHECK (json_valid(types)),      -- {"Q4_K": number of tensors}
  provenance  TEXT CHECK (provenance IS NULL OR json_valid(provenance)) -- what the file says of its making
) STRICT;

CREATE TABLE run (
  -- One row for each start of the engine, its restarts after a crash included.
  id                      INTEGER PRIMARY KEY,
  machine_id              INTEGER NOT NULL REFERENCES machine (id),
  model_id                INTEGER NOT NULL REFERENCES model (id),
  started_at              TEXT NOT NULL,
  ended_at                TEXT,     -- null while it runs, or when hearth itself was killed
  end_reason              TEXT CHECK (end_reason IN ('stopped', 'crashed', 'not-loaded')),
  error_code              TEXT,
  error_message           TEXT,
  hearth_version          TEXT NOT NULL,
  settings                TEXT NOT NULL CHECK (json_valid(settings)), -- as asked for
  backend                 TEXT,     -- from here on as it came out; null when the model did not load
  gpus                    TEXT,     -- names of the GPUs in use, joined by ' + '
  gpu_layers              INTEGER,
  kv_type                 TEXT,
  n_ctx                   INTEGER,  -- of each sequence
  parallel                INTEGER,
  threads                 INTEGER,
  flash_attention         INTEGER,
  mmap                    INTEGER,
  llama_cpp_release       TEXT,
  load_ms                 REAL,
  predicted_weights_bytes INTEGER,
  predicted_kv_bytes      INTEGER,
  predicted_compute_bytes INTEGER,
  predicted_total_bytes   INTEGER,
  weights_bytes           INTEGER,  -- measured, by the backend's own accounting
  kv_bytes                INTEGER,
  compute_bytes           INTEGER,
  total_bytes             INTEGER   -- of the process and the GPU after loading, context included
) STRICT;

CREATE TABLE request (
  id                  INTEGER PRIMARY KEY,
  run_id              INTEGER NOT NULL REFERENCES run (id),
  started_at          TEXT NOT NULL,
  endpoint            TEXT NOT NULL,               -- '/v1/chat/completions', 'chat'
  is_probe            INTEGER NOT NULL DEFAULT 0,  -- 1 for a health probe
  prompt_tokens       INTEGER,
  cached_tokens       INTEGER,                     -- part of the prompt found in the KV cache
  generated_tokens    INTEGER,
  queue_ms            REAL,
  ttft_ms             REAL,                        -- from the request's arrival
  prompt_ms           REAL,
  generation_ms       REAL,
  total_ms            REAL,
  tokens_per_second   REAL AS (generated_tokens * 1000.0 / nullif(generation_ms, 0)) VIRTUAL,
  inter_token_p50_ms  REAL,
  inter_token_p95_ms  REAL,
  inter_token_max_ms  REAL,
  stop_reason         TEXT,                        -- null when it failed
  error_code          TEXT,                        -- null when it did not
  error_message       TEXT,
  dropped_turns       INTEGER NOT NULL DEFAULT 0,
  dropped_tokens      INTEGER NOT NULL DEFAULT 0,
  context_used        INTEGER,                     -- tokens in the KV cache after the answer
  rss_bytes           INTEGER,
  peak_rss_bytes      INTEGER,
  device_before_bytes INTEGER,
  device_peak_bytes   INTEGER,
  device_after_bytes  INTEGER,
  prompt              TEXT,                        -- only with --log-text
  answer              TEXT                         -- only with --log-text
) STRICT;
CREATE INDEX request_started_at ON request (started_at);

CREATE TABLE sample (
  -- Memory and temperature at a set interval; null where the system does not show them.
  id                   INTEGER PRIMARY KEY,
  run_id               INTEGER NOT NULL REFERENCES run (id),
  taken_at             TEXT NOT NULL,
  rss_bytes            INTEGER,
  available_bytes      INTEGER,                    -- memory that the machine has left
  device_used_bytes    INTEGER,
  cpu_temperature_c    REAL,
  device_temperature_c REAL
) STRICT;
CREATE INDEX sample_taken_at ON sample (taken_at);
`;

/**
 * What `hearth measure` measured here, and what was imported from other machines. Wide on purpose: an
 * imported row has no run, machine or model of this log to refer to.
 */
export const MEASUREMENT_SQL = `
CREATE TABLE measurement (
  -- One row for each point that was measured, its repeats together.
  id                      INTEGER PRIMARY KEY,
  run_id                  INTEGER REFERENCES run (id), -- null where it was imported
  uid                     TEXT NOT NULL UNIQUE,        -- the same in every log it is imported into
  hearth_version          TEXT NOT NULL,
  build_commit            TEXT NOT NULL,               -- release of llama.cpp
  cpu_info                TEXT NOT NULL,
  cpu_cores               INTEGER NOT NULL,
  memory_bytes            INTEGER NOT NULL,            -- of the machine
  gpu_info                TEXT NOT NULL,               -- empty where no GPU is used
  driver                  TEXT,
  os                      TEXT NOT NULL,
  device                  TEXT,                        -- class in the catalogue, as told
  budget_bytes            INTEGER,                     -- null on a real device; else simulated
  budget_by               TEXT,                        -- cgroup, rlimit, ballast
  backends                TEXT NOT NULL,
  model_filename          TEXT NOT NULL,
  model_sha256            TEXT,
  model_name              TEXT NOT NULL,               -- name in the GGUF file
  model_type              TEXT NOT NULL,
  model_size              INTEGER NOT NULL,
  model_n_params          INTEGER NOT NULL,
  n_batch                 INTEGER NOT NULL,
  n_ubatch                INTEGER NOT NULL,
  n_threads               INTEGER NOT NULL,
  type_k                  TEXT NOT NULL,
  type_v                  TEXT NOT NULL,
  n_gpu_layers            INTEGER NOT NULL,
  flash_attn              INTEGER NOT NULL,            -- -1 auto, 0 off, 1 on
  load_mode               TEXT NOT NULL,
  n_ctx                   INTEGER NOT NULL,            -- tokens that the context was made for
  n_prompt                INTEGER NOT NULL,
  n_gen                   INTEGER NOT NULL,
  n_depth                 INTEGER NOT NULL,
  test                    TEXT NOT NULL,               -- pp512, tg128 @ d2048, answer128
  test_time               TEXT NOT NULL,               -- UTC, ISO 8601
  avg_ns                  INTEGER NOT NULL,
  stddev_ns               INTEGER NOT NULL,
  avg_ts                  REAL NOT NULL,               -- tokens a second
  stddev_ts               REAL NOT NULL,
  median_ts               REAL NOT NULL,
  min_ts                  REAL NOT NULL,
  max_ts                  REAL NOT NULL,
  samples_ns              TEXT NOT NULL CHECK (json_valid(samples_ns)), -- one a repeat
  ttft_ms                 REAL,
  weights_bytes           INTEGER,                     -- by the backend's own accounting
  kv_bytes                INTEGER,
  compute_bytes           INTEGER,
  rss_bytes               INTEGER,
  peak_rss_bytes          INTEGER,                     -- loading included
  device_bytes            INTEGER,                     -- in use on the GPU, ballast not counted
  device_peak_bytes       INTEGER,
  predicted_ts            REAL,
  predicted_ts_low        REAL,
  predicted_ts_high       REAL,
  predicted_weights_bytes INTEGER,
  predicted_kv_bytes      INTEGER,
  predicted_compute_bytes INTEGER,
  predicted_host_bytes    INTEGER,
  predicted_device_bytes  INTEGER
) STRICT;
CREATE INDEX measurement_test_time ON measurement (test_time);
`;

/** Of answers of a model that another one drafts for; null elsewhere. */
export const DRAFT_COLUMNS_SQL = `
ALTER TABLE request ADD COLUMN draft_tokens          INTEGER;
ALTER TABLE request ADD COLUMN draft_accepted_tokens INTEGER;  -- those that the answer took
ALTER TABLE request ADD COLUMN draft_gain            REAL;     -- speed with drafts by speed without
`;
