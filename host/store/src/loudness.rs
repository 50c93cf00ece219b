//! How loud the sound of files is.
//!
//! Does: keep what was measured, by file, stream and downmix.
//! Invariant: what is kept of a file goes with it, and says of which state of the file it is.

use exstreamtv_model::{MediaId, media::Loudness};

use crate::{StoreError, access::Access, cell::read_error};

/// What was measured.
#[derive(Debug, Clone)]
pub struct LoudnessRepo {
    connections: Access,
}

/// How loud one sound of one file is.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Which file.
    pub media: MediaId,
    /// Which stream, and how it is mixed down.
    pub sound: String,
    /// Modification time of the file that was measured, Unix milliseconds.
    pub mtime_ms: i64,
    /// How loud it is.
    pub loudness: Loudness,
}

/// File, sound, modification time, loudness, peak.
type Row = (i64, String, i64, Option<f64>, Option<f64>);

impl LoudnessRepo {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns everything that was measured.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.loudness.list", level = "debug", skip_all)]
    pub async fn list(&self) -> Result<Vec<Measured>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(LIST)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read how loud files are", TABLE, error))?;
        let measured = |(media, sound, mtime_ms, integrated_lufs, true_peak_dbtp)| Measured {
            media: MediaId(media),
            sound,
            mtime_ms,
            loudness: Loudness { integrated_lufs, true_peak_dbtp },
        };
        Ok(rows.into_iter().map(measured).collect())
    }

    /// Keeps what was measured, in place of what was known; of a file that is gone meanwhile nothing is kept.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.loudness.keep", level = "debug", skip_all, fields(media.id = %measured.media))]
    pub async fn keep(&self, measured: &Measured) -> Result<(), StoreError> {
        let act = "keep how loud a file is";
        let mut transaction = self.connections.write().await?;
        sqlx::query(KEEP)
            .bind(measured.media.0)
            .bind(&measured.sound)
            .bind(measured.mtime_ms)
            .bind(measured.loudness.integrated_lufs)
            .bind(measured.loudness.true_peak_dbtp)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }
}

const TABLE: &str = "media_loudness";

const LIST: &str = "
SELECT media_id, sound, mtime_ms, integrated_lufs, true_peak_dbtp
  FROM media_loudness
 ORDER BY media_id, sound";

const KEEP: &str = "
INSERT INTO media_loudness (media_id, sound, mtime_ms, integrated_lufs, true_peak_dbtp)
SELECT ?1, ?2, ?3, ?4, ?5
 WHERE EXISTS (SELECT 1 FROM media WHERE id = ?1)
    ON CONFLICT (media_id, sound) DO UPDATE
   SET mtime_ms = excluded.mtime_ms,
       integrated_lufs = excluded.integrated_lufs,
       true_peak_dbtp = excluded.true_peak_dbtp";
