-- The library, the channels and their timelines.
-- Times are Unix milliseconds (UTC) in columns that end in _ms. Columns that end in _fold hold lower-case text for comparison.
-- Paths are the bytes that the file system uses: any path can be stored, and a folder is one range of the index.

PRAGMA application_id = 0x45585456; -- "EXTV"

-- One row: who opened this file last. A program that is too old for the file names the one that is not.
CREATE TABLE installation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    created_ms INTEGER NOT NULL,
    opened_ms  INTEGER NOT NULL,
    opened_by  TEXT    NOT NULL
) STRICT;

-- Rows are never deleted by a scan: a file that vanished is 'missing' and keeps its identity for when it returns.
CREATE TABLE media (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        BLOB    NOT NULL UNIQUE,
    size_bytes  INTEGER NOT NULL,
    mtime_ms    INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('ready', 'broken', 'missing')),
    reason      TEXT,
    scanned_ms  INTEGER NOT NULL,
    probe       TEXT,
    metadata    TEXT    NOT NULL,
    artwork     BLOB,
    -- Copies out of probe and metadata, for queries.
    duration_ms INTEGER,
    kind        TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    show        TEXT,
    season      INTEGER,
    episode     INTEGER,
    year        INTEGER,
    show_fold   TEXT,
    search_fold TEXT    NOT NULL
) STRICT;

CREATE INDEX media_by_state ON media (state, id);

CREATE TABLE media_genres (
    genre_fold TEXT    NOT NULL,
    media_id   INTEGER NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (genre_fold, media_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX media_genres_by_media ON media_genres (media_id);

CREATE TABLE collections (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    name   TEXT    NOT NULL,
    source TEXT    NOT NULL CHECK (source IN ('folder', 'manual', 'query')),
    folder BLOB    CHECK ((source = 'folder') = (folder IS NOT NULL)),
    query  TEXT    CHECK ((source = 'query') = (query IS NOT NULL))
) STRICT;

-- The items of a manual collection; one medium may appear more than once.
CREATE TABLE collection_items (
    collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    media_id      INTEGER NOT NULL REFERENCES media (id),
    PRIMARY KEY (collection_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX collection_items_by_media ON collection_items (media_id);

CREATE TABLE channels (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    number        TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    group_title   TEXT    NOT NULL,
    logo          TEXT,
    zone          TEXT    NOT NULL,
    profile       TEXT    NOT NULL,
    collection_id INTEGER REFERENCES collections (id),
    item_order    TEXT    NOT NULL,
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT;

CREATE INDEX channels_by_collection ON channels (collection_id);

-- The timelines. Rows of a channel neither overlap nor leave holes; the repository checks that in the writing transaction.
CREATE TABLE playout (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id  INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    start_ms    INTEGER NOT NULL,
    stop_ms     INTEGER NOT NULL CHECK (stop_ms > start_ms),
    media_id    INTEGER REFERENCES media (id),
    in_point_ms INTEGER NOT NULL CHECK (in_point_ms >= 0),
    kind        TEXT    NOT NULL CHECK (kind IN ('programme', 'filler', 'slate')),
    title       TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    UNIQUE (channel_id, start_ms)
) STRICT;

CREATE INDEX playout_by_stop  ON playout (stop_ms);
CREATE INDEX playout_by_media ON playout (media_id) WHERE media_id IS NOT NULL;

-- What a channel's scheduler remembers, written in the same transaction as the rows that follow from it.
CREATE TABLE playout_cursor (
    channel_id INTEGER PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    state      TEXT    NOT NULL,
    seed       TEXT    NOT NULL, -- decimal: 64 bits without a sign
    upto_ms    INTEGER NOT NULL
) STRICT;

-- Continuity of the HLS playlists over restarts.
CREATE TABLE broadcast (
    channel_id    INTEGER PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    next_sequence INTEGER NOT NULL CHECK (next_sequence >= 0)
) STRICT;
