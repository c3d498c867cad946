// The table of what `hearth measure` measured here, and of what was imported from other machines.
// Wide on purpose: an imported row has no run, machine or model of this log to refer to.
// The columns are those of measurement-fields.ts, which say what each is.

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
