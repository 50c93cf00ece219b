-- What was really aired, and what went wrong.

-- One row for every stretch of one programme or slate; while a channel is on air its newest row still grows.
CREATE TABLE as_run (
    channel_id  INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    start_ms    INTEGER NOT NULL,
    stop_ms     INTEGER NOT NULL CHECK (stop_ms > start_ms),
    kind        TEXT    NOT NULL CHECK (kind IN ('programme', 'filler', 'slate')),
    media_id    INTEGER REFERENCES media (id) ON DELETE SET NULL,
    in_point_ms INTEGER NOT NULL CHECK (in_point_ms >= 0),
    title       TEXT    NOT NULL,
    cause       TEXT,
    PRIMARY KEY (channel_id, start_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX as_run_by_stop  ON as_run (stop_ms);
CREATE INDEX as_run_by_media ON as_run (media_id) WHERE media_id IS NOT NULL;

-- A channel has one incident at a time; ended_ms is empty until the programme is back.
CREATE TABLE incidents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    cause      TEXT    NOT NULL,
    began_ms   INTEGER NOT NULL,
    ended_ms   INTEGER CHECK (ended_ms >= began_ms),
    failures   INTEGER NOT NULL CHECK (failures > 0),
    title      TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    UNIQUE (channel_id, began_ms)
) STRICT;

CREATE INDEX incidents_by_time ON incidents (began_ms);
