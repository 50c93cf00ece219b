//! What is known about a run, in the words of profiles.

use exstreamtv_hardware::Facts;
use exstreamtv_model::media::{FieldOrder, VideoStream};

use super::Task;
use crate::picture::may_be_interlaced;

/// Bits a sample and chroma of a pixel format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples {
    /// Bits a sample.
    pub depth: u8,
    /// "420", "422", "444".
    pub chroma: &'static str,
}

/// Reads FFmpeg's name of a pixel format; one that is not known is taken for the commonest.
pub fn samples(pixel_format: Option<&str>) -> Samples {
    let name = pixel_format.unwrap_or("yuv420p");
    let depth = match name {
        _ if name.contains("p010") || name.contains("p10") || name.contains("10le") || name.contains("10be") => 10,
        _ if name.contains("p012") || name.contains("p12") => 12,
        _ if name.contains("p016") || name.contains("p14") || name.contains("p16") => 16,
        _ => 8,
    };
    let chroma = match name {
        _ if name.contains("422") || name.contains("p210") => "422",
        _ if name.contains("444") || name.starts_with("gbr") || name.starts_with("rgb") || name.starts_with("bgr") => {
            "444"
        }
        _ if name.contains("411") || name.contains("410") || name.contains("440") => "other",
        _ => "420",
    };
    Samples { depth, chroma }
}

impl Task<'_> {
    /// Returns what is known about card, source and channel.
    pub(super) fn known(&self) -> Facts {
        let Self { stream, video, profile, .. } = self;
        let Samples { depth, chroma } = samples(video.pixel_format.as_deref());
        let mut facts = self.card.can.facts.clone();
        facts.set("in.codec", stream.codec.as_str());
        facts.set_known("in.profile", stream.profile.as_deref());
        facts.set("in.depth", i64::from(depth));
        facts.set("in.chroma", chroma);
        facts.set("in.width", i64::from(video.width));
        facts.set("in.height", i64::from(video.height));
        facts.set("in.width_mod_32", i64::from(video.width % 32));
        facts.set("in.interlaced", is_interlaced(self));
        facts.set("in.rotated", video.rotation_degrees != 0);
        facts.set_known("in.transfer", video.color.transfer.as_deref());
        facts.set("out.codec", "h264");
        facts.set("out.depth", 8_i64);
        facts.set("out.width", i64::from(profile.width));
        facts.set("out.height", i64::from(profile.height));
        facts
    }
}

fn is_interlaced(task: &Task<'_>) -> bool {
    let VideoStream { field_order, .. } = task.video;
    matches!(field_order, FieldOrder::TopFirst | FieldOrder::BottomFirst) || may_be_interlaced(task.stream, task.video)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_formats_are_read() {
        let read = |name| (samples(Some(name)).depth, samples(Some(name)).chroma);
        assert_eq!(read("yuv420p"), (8, "420"));
        assert_eq!(read("yuvj420p"), (8, "420"));
        assert_eq!(read("nv12"), (8, "420"));
        assert_eq!(read("yuv420p10le"), (10, "420"));
        assert_eq!(read("p010le"), (10, "420"));
        assert_eq!(read("yuv422p10le"), (10, "422"));
        assert_eq!(read("yuv422p"), (8, "422"));
        assert_eq!(read("yuv444p12le"), (12, "444"));
        assert_eq!(read("gbrp"), (8, "444"));
        assert_eq!(read("yuv411p"), (8, "other"));
        assert_eq!((samples(None).depth, samples(None).chroma), (8, "420"));
    }
}
