-- What was sent to viewers ever, and how fast a channel's viewers are sent it.

-- Rows outlive their channels, because what was sent was sent; ids of channels are never used again.
CREATE TABLE session_totals (
    channel_id INTEGER PRIMARY KEY,
    sessions   INTEGER NOT NULL CHECK (sessions >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

-- What a channel wishes otherwise than the configuration says.
ALTER TABLE channels ADD COLUMN throttle TEXT NOT NULL DEFAULT '{}';
