-- What was learnt about what precedes incidents, and what is known about each.

-- Kinds of lines, so that their numbers mean the same after a restart.
CREATE TABLE log_templates (
    id       INTEGER PRIMARY KEY,
    source   TEXT    NOT NULL,
    level    TEXT    NOT NULL,
    text     TEXT    NOT NULL,
    count    INTEGER NOT NULL CHECK (count >= 0),
    first_ms INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL
) STRICT;

-- Stretches of channels before incidents and before nothing; items are the kinds of lines heard, in order.
CREATE TABLE learning_windows (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id      INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    before_incident INTEGER NOT NULL CHECK (before_incident IN (0, 1)),
    weight          INTEGER NOT NULL CHECK (weight > 0),
    items           TEXT    NOT NULL
) STRICT;

CREATE INDEX learning_windows_by_channel ON learning_windows (channel_id, before_incident, id);

CREATE TABLE learnt_patterns (
    id       INTEGER PRIMARY KEY,
    standing TEXT    NOT NULL,
    document TEXT    NOT NULL
) STRICT;

CREATE TABLE learning_state (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    looks         INTEGER NOT NULL CHECK (looks >= 0),         -- how often sequences were looked for
    last_template INTEGER NOT NULL CHECK (last_template >= 0)  -- no number is given twice
) STRICT;

INSERT INTO learning_state (id, looks, last_template) VALUES (1, 0, 0);

-- What was said around an incident and who watched; the log itself is kept for minutes only.
CREATE TABLE incident_evidence (
    channel_id INTEGER NOT NULL,
    began_ms   INTEGER NOT NULL,
    document   TEXT    NOT NULL,
    PRIMARY KEY (channel_id, began_ms),
    FOREIGN KEY (channel_id, began_ms) REFERENCES incidents (channel_id, began_ms) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
