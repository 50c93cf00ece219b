-- What the healer did, what it learnt from that, and what it asks people.

-- One row for each issue, deed and circumstance: the weights of what helped and what did not.
CREATE TABLE healing_posteriors (
    issue     TEXT    NOT NULL,
    deed      TEXT    NOT NULL,
    context   TEXT    NOT NULL,
    helped    REAL    NOT NULL CHECK (helped >= 0),
    failed    REAL    NOT NULL CHECK (failed >= 0),
    tries     INTEGER NOT NULL CHECK (tries > 0),
    successes INTEGER NOT NULL CHECK (successes BETWEEN 0 AND tries),
    at_ms     INTEGER NOT NULL,
    PRIMARY KEY (issue, deed, context)
) STRICT, WITHOUT ROWID;

-- Questions to people. Ids are given by the healer and never used again; the document is the whole question.
CREATE TABLE healing_approvals (
    id       INTEGER PRIMARY KEY,
    state    TEXT    NOT NULL,
    asked_ms INTEGER NOT NULL,
    document TEXT    NOT NULL
) STRICT;

CREATE INDEX healing_approvals_by_state ON healing_approvals (state);

-- What was done, with its evidence, its steps and its outcome. Ids are drawn from the same numbers as those of questions.
CREATE TABLE healing_resolutions (
    id         INTEGER PRIMARY KEY,
    channel_id INTEGER,
    automatic  INTEGER NOT NULL CHECK (automatic IN (0, 1)),
    outcome    TEXT    NOT NULL,
    began_ms   INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL CHECK (ended_ms >= began_ms),
    document   TEXT    NOT NULL
) STRICT;

CREATE INDEX healing_resolutions_by_time ON healing_resolutions (began_ms);
