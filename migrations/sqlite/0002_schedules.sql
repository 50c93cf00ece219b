-- Schedules, track preferences, and what schedulers remembered at the end of every window.

-- A strategy with its settings; without one the channel plays its collection in item_order.
ALTER TABLE channels ADD COLUMN schedule TEXT;
ALTER TABLE channels ADD COLUMN tracks   TEXT NOT NULL DEFAULT '{}';

-- Schedules that come into force later; 'null' gives the plain order back.
CREATE TABLE channel_schedules (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    from_ms    INTEGER NOT NULL,
    schedule   TEXT    NOT NULL,
    PRIMARY KEY (channel_id, from_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX channel_schedules_by_time ON channel_schedules (from_ms);

-- The slot or source that a row comes from, the strategy's own word.
ALTER TABLE playout ADD COLUMN rule TEXT NOT NULL DEFAULT '';

-- One row for every window that was planned: an edit goes back to the newest one before it instead of losing every series' place.
-- Another one where a strategy takes over, so that an edit inside its first window knows what it has laid.
CREATE TABLE playout_states (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    upto_ms    INTEGER NOT NULL, -- the window's end
    strategy   TEXT    NOT NULL, -- the strategy that was asked
    state      TEXT    NOT NULL, -- what it remembered when it last answered
    since_ms   INTEGER NOT NULL, -- the end of the last window that it answered: what lies between was laid by the fallback
    seed       TEXT    NOT NULL, -- decimal: 64 bits without a sign
    fallback   TEXT,             -- what the fallback remembers, where it answered instead
    needs      TEXT    NOT NULL DEFAULT '[]', -- the pools that it drew from: a strategy that is gone cannot say
    drawn_from TEXT    NOT NULL DEFAULT '',   -- fingerprint of the rule and of what was in those pools
    begins     INTEGER NOT NULL DEFAULT 0 CHECK (begins IN (0, 1)), -- the strategy takes over here and remembers nothing yet
    PRIMARY KEY (channel_id, upto_ms, begins)
) STRICT, WITHOUT ROWID;

INSERT INTO playout_states (channel_id, upto_ms, strategy, state, since_ms, seed)
SELECT channel_id, upto_ms, 'exstreamtv.sequence', state, upto_ms, seed
  FROM playout_cursor;

DROP TABLE playout_cursor;

-- Where chapters begin, as a JSON array of milliseconds: a copy out of probe, because pools of 100,000 files are read without it.
ALTER TABLE media ADD COLUMN chapters TEXT;

UPDATE media
   SET chapters = (SELECT json_group_array(json_extract(value, '$.start_ms'))
                     FROM json_each(media.probe, '$.chapters'))
 WHERE json_array_length(probe, '$.chapters') > 0;

-- Series are looked up by their folded title.
CREATE INDEX media_by_show ON media (show_fold, id) WHERE show_fold IS NOT NULL;
