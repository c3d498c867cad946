// How far answers were handed to an OpenTelemetry collector, kept beside the answers themselves.
// The batch that waits for its acknowledgement lies here byte by byte, so that what is sent again
// after a crash is what was sent before, whatever was pruned or updated meanwhile.

export const OTLP_SQL = `
CREATE TABLE otlp (
  -- One row once hearth serve --otlp has run with this log.
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  instance_id     TEXT NOT NULL,              -- service.instance.id; a new one when the clock went back
  acknowledged_id INTEGER NOT NULL,           -- the last request that a collector has
  ended_at_ms     INTEGER,                    -- end of the last batch's interval, Unix time
  pruned          INTEGER NOT NULL DEFAULT 0, -- answers deleted before they were in a batch
  pruned_told     INTEGER NOT NULL DEFAULT 0, -- those of them that a batch told of
  refused         INTEGER NOT NULL DEFAULT 0, -- answers in batches that a collector called invalid
  batch_id        INTEGER,                    -- the last request in the batch that waits; null for none
  batch_answers   INTEGER,                    -- answers in it
  batch           BLOB                        -- an ExportMetricsServiceRequest
) STRICT;

CREATE TRIGGER otlp_pruned AFTER DELETE ON request BEGIN
  UPDATE otlp SET pruned = pruned + 1
    WHERE OLD.is_probe = 0 AND OLD.id > coalesce(batch_id, acknowledged_id);
  -- Ids beyond the largest that is left are given again, to answers that nobody has yet.
  UPDATE otlp SET
    acknowledged_id = min(acknowledged_id, (SELECT coalesce(max(id), 0) FROM request)),
    batch_id = min(batch_id, (SELECT coalesce(max(id), 0) FROM request))
    WHERE max(acknowledged_id, coalesce(batch_id, 0)) > (SELECT coalesce(max(id), 0) FROM request);
END;
`;
