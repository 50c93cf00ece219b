//! What the database knows below a folder, a page at a time.
//!
//! Invariant: files come in the byte order of their paths, as a walk finds them; memory is one page.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use exstreamtv_store::{KnownFile, MediaRepo, StoreError};

const PAGE: u32 = 512;

/// Reads known files in order.
pub(super) struct KnownFiles {
    media: MediaRepo,
    folder: PathBuf,
    page: VecDeque<KnownFile>,
    last: Option<PathBuf>,
    at_end: bool,
}

impl KnownFiles {
    /// Reads what is known at or below `folder`.
    pub fn below(media: MediaRepo, folder: &Path) -> Self {
        Self { media, folder: folder.to_owned(), page: VecDeque::new(), last: None, at_end: false }
    }

    /// Takes the next file if its path is not behind `limit`; without one, the next file.
    pub async fn next_up_to(&mut self, limit: Option<&Path>) -> Result<Option<KnownFile>, StoreError> {
        if self.page.is_empty() && !self.at_end {
            self.read_page().await?;
        }
        let is_due = |file: &KnownFile| limit.is_none_or(|limit| order(&file.path) <= order(limit));
        Ok(if self.page.front().is_some_and(is_due) { self.page.pop_front() } else { None })
    }

    async fn read_page(&mut self) -> Result<(), StoreError> {
        let page = self.media.known_files(&self.folder, self.last.as_deref(), PAGE).await?;
        self.at_end = page.is_empty();
        self.last = page.last().map(|file| file.path.clone()).or(self.last.take());
        self.page = page.into();
        Ok(())
    }
}

/// Counts the files at or below `root` that are not missing.
pub(super) async fn count_present(media: MediaRepo, root: &Path) -> Result<u64, StoreError> {
    let mut known = KnownFiles::below(media, root);
    let mut count = 0;
    while let Some(file) = known.next_up_to(None).await? {
        count += u64::from(!file.missing);
    }
    Ok(count)
}

/// Returns what paths are ordered by.
pub(super) fn order(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
