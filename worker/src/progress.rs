//! Reads FFmpeg's `-progress` blocks.
//!
//! Invariant: any bytes give blocks or nothing; every number in a block is finite, so that it survives JSON.

use exstreamtv_model::health::Progress;

use crate::lines::Lines;

/// Collects `key=value` lines into blocks.
#[derive(Debug, Default)]
pub struct ProgressReader {
    lines: Lines,
    block: Progress,
}

impl ProgressReader {
    /// Takes `bytes` and hands every block that ends in them to `take`.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Progress)) {
        let Self { lines, block } = self;
        lines.feed(bytes, |line| {
            if let Some((key, value)) = line.split_once('=')
                && set(block, key.trim(), value.trim())
            {
                take(std::mem::take(block));
            }
        });
    }
}

/// Notes one line; returns whether it ends its block. FFmpeg writes "N/A" for what it does not know, and older versions a huge negative time.
fn set(block: &mut Progress, key: &str, value: &str) -> bool {
    match key {
        "frame" => block.frames = value.parse().unwrap_or_default(),
        "fps" => block.fps = finite(value).unwrap_or_default(),
        "out_time_us" => block.out_time_ms = value.parse::<i64>().unwrap_or_default().max(0) / 1000,
        "dup_frames" => block.duplicated_frames = value.parse().unwrap_or_default(),
        "drop_frames" => block.dropped_frames = value.parse().unwrap_or_default(),
        "total_size" => block.total_bytes = value.parse().unwrap_or_default(),
        "speed" => block.speed = finite(value.trim_end_matches('x')),
        _ => {}
    }
    key == "progress"
}

fn finite(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|number: &f32| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Progress> {
        let mut reader = ProgressReader::default();
        let mut blocks = Vec::new();
        for portion in text.as_bytes().chunks(7) {
            reader.feed(portion, |block| blocks.push(block));
        }
        blocks
    }

    #[test]
    fn a_block_ends_with_its_progress_line() {
        let text = "frame=75\nfps=149.70\nstream_0_0_q=28.0\nbitrate= 412.3kbits/s\ntotal_size=154912\nout_time_us=3005333\n\
                    out_time_ms=3005333\nout_time=00:00:03.005333\ndup_frames=3\ndrop_frames=1\nspeed=5.99x\nprogress=continue\n";
        let block = Progress {
            frames: 75,
            fps: 149.7,
            speed: Some(5.99),
            out_time_ms: 3005,
            dropped_frames: 1,
            duplicated_frames: 3,
            total_bytes: 154_912,
        };
        assert_eq!(read(&text.repeat(2)), [block, block]);
    }

    #[test]
    fn what_ffmpeg_does_not_know_is_absent() {
        let text = "frame=0\nfps=nan\nout_time_us=-9223372036854775807\nspeed=N/A\nprogress=continue\n";
        assert_eq!(read(text), [Progress::default()]);
        assert_eq!(read("out_time_us=N/A\nspeed=   0x\nprogress=end\n")[0].speed, Some(0.0));
    }

    #[test]
    fn garbage_gives_nothing() {
        assert_eq!(read("\0\u{1}=====\nframe\n=\nhello\n"), []);
        assert_eq!(read("frame=many\nspeed=infx\nfps=-1\nprogress="), [], "an unfinished block is none");
    }
}
