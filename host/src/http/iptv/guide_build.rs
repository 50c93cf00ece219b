//! Writes a guide channel by channel while it is sent.
//!
//! Does: read one channel's timeline, have it written and compressed on the blocking pool, hand the bytes out, go on.
//! Does not: probe or resolve anything: what the library knows is what the guide shows.
//! Invariant: no more than one channel's rows and the compressed guide are in memory; a guide is kept only when it was written to its end.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
    sync::Arc,
};

use async_stream::try_stream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use exstreamtv_guide::{ChannelView, ProgrammeView, XmltvChannels, XmltvProgrammes};
use exstreamtv_model::{Channel, MediaId, MediaItem, PlayoutEntry};
use exstreamtv_store::{Store, StoreError};
use flate2::{Compression, write::GzEncoder};
use futures::Stream;

use super::{
    guide_cache::{GUIDE_LIMIT_BYTES, GuideCache, Kept, Stamp},
    lineup::logo_url,
};
use crate::http::origin::BaseUrl;

/// Why a guide could not be written.
#[derive(Debug, thiserror::Error)]
pub enum GuideError {
    /// Its rows could not be read.
    #[error("read what the guide shows")]
    Read(#[from] StoreError),
    /// It could not be written or compressed.
    #[error("compress the guide")]
    Write(#[from] io::Error),
    /// The thread that wrote it died.
    #[error("finish a piece of the guide")]
    Died(#[from] tokio::task::JoinError),
}

/// One guide to be written.
pub struct Build {
    /// The rows.
    pub store: Store,
    /// Where the guide is kept afterwards.
    pub cache: Arc<GuideCache>,
    /// What it is made from.
    pub stamp: Stamp,
    /// When its writing began.
    pub started: DateTime<Utc>,
    /// In which form the pieces are wanted.
    pub wanted: Wanted,
}

/// In which form pieces are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Text.
    Plain,
    /// Compressed.
    Gzip,
}

impl Build {
    /// Returns the guide piece by piece; it is written only as fast as the pieces are taken.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, GuideError>> + Send {
        try_stream! {
            let channels = self.lineup().await?;
            let base = self.stamp.base.clone();
            let sheet = Sheet::new(self.wanted);
            let (mut guide, channels) = blocking(move || start(sheet, channels, &base)).await?;
            yield guide.output().take_piece();
            for channel in channels {
                let rows = self.rows(&channel).await?;
                guide = self.with_channel(guide, channel, rows).await?;
                let piece = guide.output().take_piece();
                if !piece.is_empty() {
                    yield piece;
                }
            }
            let (last, gzip) = blocking(move || guide.finish()?.finish()).await?;
            // Before the last piece: a client may hang up as soon as it has it.
            if let Some(gzip) = gzip {
                self.cache.keep(Kept { stamp: self.stamp.clone(), gzip, modified: self.started });
            }
            yield last;
        }
    }

    /// Writes one channel when it is this guide's turn; the turn ends before the client is waited for.
    async fn with_channel(
        &self,
        mut guide: XmltvProgrammes<Sheet>,
        channel: Channel,
        rows: Rows,
    ) -> Result<XmltvProgrammes<Sheet>, GuideError> {
        let base = self.stamp.base.clone();
        let _turn = self.cache.turn().await;
        blocking(move || {
            guide.channel(&channel, &rows.views(&base))?;
            Ok(guide)
        })
        .await
    }

    async fn lineup(&self) -> Result<Vec<Channel>, StoreError> {
        let mut channels = self.store.channels().list().await?;
        channels.retain(|channel| channel.enabled);
        Ok(channels)
    }

    async fn rows(&self, channel: &Channel) -> Result<Rows, StoreError> {
        let entries = self.store.playout().window(channel.id, self.stamp.from, self.stamp.to()).await?;
        let ids: BTreeSet<MediaId> = entries.iter().filter_map(|entry| entry.media).collect();
        let media = self.store.media().find_many(&Vec::from_iter(ids)).await?;
        Ok(Rows { entries, media: media.into_iter().map(|item| (item.id, item)).collect() })
    }
}

/// Writing and compressing take milliseconds: too long for the threads that send media.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, GuideError> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

fn start(sheet: Sheet, channels: Vec<Channel>, base: &BaseUrl) -> io::Result<(XmltvProgrammes<Sheet>, Vec<Channel>)> {
    let mut guide = XmltvChannels::start(sheet)?;
    for channel in &channels {
        let icon_url = logo_url(channel, base);
        guide.channel(&ChannelView { channel, icon_url: icon_url.as_deref() })?;
    }
    let mut guide = guide.into_programmes();
    // Else a client that takes gzip would see nothing before the compressor has gathered its first block.
    guide.output().push_out()?;
    Ok((guide, channels))
}

/// One channel's part of the guide.
struct Rows {
    entries: Vec<PlayoutEntry>,
    media: HashMap<MediaId, MediaItem>,
}

impl Rows {
    fn views(&self, base: &BaseUrl) -> Vec<ProgrammeView<'_>> {
        let view = |entry| self.view(entry, base);
        self.entries.iter().map(view).collect()
    }

    fn view<'a>(&'a self, entry: &'a PlayoutEntry, base: &BaseUrl) -> ProgrammeView<'a> {
        let media = entry.media.and_then(|id| self.media.get(&id));
        let pictured = media.filter(|item| item.metadata.artwork.is_some());
        let icon_url = pictured.map(|item| base.join(&format!("/iptv/artwork/{}", item.id)));
        ProgrammeView { entry, media, icon_url }
    }
}

/// What the guide is written on: always compressed for the cache, and as text where that is wanted.
struct Sheet {
    gzip: GzEncoder<Vec<u8>>,
    plain: Option<Vec<u8>>,
    /// Compressed pieces so far; `None` once they are too many to be kept.
    kept: Option<Vec<u8>>,
}

impl Sheet {
    fn new(wanted: Wanted) -> Self {
        let plain = (wanted == Wanted::Plain).then(Vec::new);
        Self { gzip: GzEncoder::new(Vec::new(), Compression::fast()), plain, kept: Some(Vec::new()) }
    }

    /// Lets everything that was written be taken, compressed or not.
    fn push_out(&mut self) -> io::Result<()> {
        self.gzip.flush()
    }

    /// Takes what was written since the last call, in the form that is wanted.
    fn take_piece(&mut self) -> Bytes {
        let gzip = std::mem::take(self.gzip.get_mut());
        self.kept = self.kept.take().filter(|kept| kept.len() + gzip.len() <= GUIDE_LIMIT_BYTES).map(|mut kept| {
            kept.extend_from_slice(&gzip);
            kept
        });
        match &mut self.plain {
            Some(plain) => std::mem::take(plain).into(),
            None => gzip.into(),
        }
    }

    /// Returns the last piece and, if it can be kept, the whole compressed guide.
    fn finish(mut self) -> io::Result<(Bytes, Option<Bytes>)> {
        self.gzip.try_finish()?;
        let last = self.take_piece();
        Ok((last, self.kept.map(Bytes::from)))
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gzip.write_all(bytes)?;
        if let Some(plain) = &mut self.plain {
            plain.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
