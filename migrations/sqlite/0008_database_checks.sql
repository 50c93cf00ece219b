-- When the database was last looked at, and what was found.

CREATE TABLE database_checks (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    probed_ms  INTEGER NOT NULL, -- a write to this row is how the latency of writes is measured
    checked_ms INTEGER NOT NULL, -- the last integrity check
    fault      TEXT              -- what it found; empty where everything was in order
) STRICT;

INSERT INTO database_checks (id, probed_ms, checked_ms) VALUES (1, 0, 0);
