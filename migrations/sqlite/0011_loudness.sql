-- How loud the sound of files is, measured once (EBU R128): what it is worth is kept over restarts.
CREATE TABLE media_loudness (
    media_id        INTEGER NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    -- Which stream, and how it is mixed down: "1", "1 pan=stereo|FL=…".
    sound           TEXT NOT NULL,
    -- Of the file that was measured; another one is measured again.
    mtime_ms        INTEGER NOT NULL,
    -- Integrated loudness in LUFS and true peak in dBTP; both absent where the sound is silence.
    integrated_lufs REAL,
    true_peak_dbtp  REAL,
    PRIMARY KEY (media_id, sound)
) STRICT, WITHOUT ROWID;
