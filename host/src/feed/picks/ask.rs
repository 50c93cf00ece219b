//! What feeds ask of pickers.
//!
//! Does: name the two questions, so that tests can answer them.
//! Does not: answer; [`Strategies`] does.

use exstreamtv_model::pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest};
use futures::{FutureExt, future::BoxFuture};

use crate::plugins::Strategies;

/// Answers the questions about tracks; every answer has passed its check.
pub trait AskPickers: Send + Sync {
    /// Asks which sound is played.
    fn pick_audio(&self, request: AudioRequest) -> BoxFuture<'_, AudioAnswer>;

    /// Asks which subtitles are shown.
    fn pick_subtitle(&self, request: SubtitleRequest) -> BoxFuture<'_, SubtitleAnswer>;
}

impl AskPickers for Strategies {
    fn pick_audio(&self, request: AudioRequest) -> BoxFuture<'_, AudioAnswer> {
        Strategies::pick_audio(self, request).boxed()
    }

    fn pick_subtitle(&self, request: SubtitleRequest) -> BoxFuture<'_, SubtitleAnswer> {
        Strategies::pick_subtitle(self, request).boxed()
    }
}
