-- What channels want otherwise than [error_screens] says.

CREATE TABLE channel_screens (
    channel_id INTEGER PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    changes    TEXT    NOT NULL -- JSON, only the keys that differ
) STRICT;
