//! The channel's logo in a corner of the picture.
//!
//! Does: say how the image is made what is laid over the picture, and where and when.
//! Does not: open the image; FFmpeg reads it under a name of ours.
//! Invariant: no path is part of a filter.

use std::path::PathBuf;

use exstreamtv_model::{
    OutputProfile,
    order::{AtTimes, Corner, Watermark},
};

use crate::{
    plan::Input,
    subtitles::{Link, Overlay},
};

/// What the image is called where FFmpeg looks: without an extension, so that its contents alone say what it is.
const NAME: &str = "watermark";

/// Returns what is read for it, under which name, and how it is laid over the picture; it will be input number `input`.
pub fn lay(watermark: &Watermark, profile: &OutputProfile, input: usize) -> (Input, Link, Overlay) {
    let percent = |of: u32, percent: u8| of * u32::from(percent.min(100)) / 100;
    let width = (percent(profile.width, watermark.width_percent) & !1).max(2);
    let margin = percent(profile.width, watermark.margin_percent);
    let (x, y) = match watermark.corner {
        Corner::TopLeft => (format!("{margin}"), format!("{margin}")),
        Corner::TopRight => (format!("W-w-{margin}"), format!("{margin}")),
        Corner::BottomLeft => (format!("{margin}"), format!("H-h-{margin}")),
        Corner::BottomRight => (format!("W-w-{margin}"), format!("H-h-{margin}")),
    };
    let opacity = f64::from(watermark.opacity_percent.min(100)) / 100.0;
    let images = vec![
        format!("scale={width}:-2:flags=bicubic:out_color_matrix=bt709:out_range=tv"),
        "format=yuva420p".to_owned(),
        format!("colorchannelmixer=aa={opacity:.2}"),
    ];
    let when = watermark.at_times.map(enable).unwrap_or_default();
    let filter = format!("overlay=x={x}:y={y}:eof_action=repeat:format=yuv420{when}");
    let link = Link { name: NAME.to_owned(), target: watermark.image.clone() };
    let read = Input::File { path: PathBuf::from(NAME), in_point_ms: 0 };
    (read, link, Overlay { input, stream: 0, images, filter, after: Vec::new() })
}

fn enable(AtTimes { every_ms, for_ms, into_ms }: AtTimes) -> String {
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    format!(":enable=lt(mod(t+{}\\,{})\\,{})", seconds(into_ms), seconds(every_ms.max(1)), seconds(for_ms))
}
