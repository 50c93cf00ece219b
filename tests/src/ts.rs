//! An independent checker of MPEG transport streams.
//!
//! Does: read a whole capture, follow every clock and counter in it, and list each breach with its place and time.
//! Does not: share a line with the product's muxer, decode pictures, or forgive what players happen to forgive.
//! Invariant: a capture that was cut off anywhere reports nothing for having been cut; everything before the cut is judged.

mod clock;
mod follow;
mod pes;
mod psi;
mod report;
mod scan;

pub use clock::{TICKS_PER_SECOND, WRAP_TICKS};
pub use follow::Follower;
pub use report::{AccessUnit, AudioFrame, Breach, Kind, Report};

/// Bytes of one transport packet.
pub const PACKET_BYTES: usize = 188;

/// Ticks of one AAC frame at 48 kHz.
pub const AUDIO_FRAME_TICKS: i64 = 1920;

/// What the stream promises.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Frames a second, numerator and denominator.
    pub frame_rate: (u32, u32),
    /// Longest allowed distance of two clock references.
    pub pcr_interval_ms: f64,
    /// Longest allowed distance of two program tables.
    pub psi_interval_ms: f64,
}

impl Rules {
    /// Returns the rules of a channel that sends `frame_rate` frames a second.
    pub fn channel(frame_rate: (u32, u32)) -> Self {
        Self { frame_rate, pcr_interval_ms: 40.0, psi_interval_ms: 500.0 }
    }

    /// Returns the length of one frame in ticks of 90 kHz; not always whole.
    pub fn frame_ticks(&self) -> f64 {
        90_000.0 * f64::from(self.frame_rate.1) / f64::from(self.frame_rate.0)
    }
}

/// Checks a capture against the rules.
pub fn check(capture: &[u8], rules: &Rules) -> Report {
    scan::Scan::new(capture, *rules).run()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Three seconds at 25 frames a second from FFmpeg's own muxer; the clock starts at `offset_s`.
    fn stream(offset_s: f64) -> Vec<u8> {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x90:r=25:d=3", "-f", "lavfi", "-i"])
            .args(["sine=f=440:r=48000:d=3", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25"])
            .args(["-x264-params", "scenecut=0:open-gop=0", "-c:a", "aac", "-ac", "2", "-pcr_period", "20"])
            .args(["-pat_period", "0.1", "-output_ts_offset", &offset_s.to_string(), "-f", "mpegts", "pipe:1"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// FFmpeg's muxer puts the clock on whole frames, which at 25 frames a second is just 40 ms.
    fn rules() -> Rules {
        Rules::channel((25, 1))
    }

    fn kinds(capture: &[u8]) -> Vec<Kind> {
        check(capture, &rules()).kinds()
    }

    /// Byte offset of the first packet after the first second that `wanted` accepts.
    fn find(stream: &[u8], wanted: impl Fn(&[u8]) -> bool) -> usize {
        let from = stream.len() / 2 / PACKET_BYTES * PACKET_BYTES;
        (from..stream.len()).step_by(PACKET_BYTES).find(|at| wanted(&stream[*at..*at + PACKET_BYTES])).unwrap()
    }

    fn has_payload_of(packet: &[u8], pid: u16) -> bool {
        packet[3] & 0x10 != 0 && u16::from_be_bytes([packet[1] & 0x1F, packet[2]]) == pid
    }

    const VIDEO: u16 = 0x100;
    const AUDIO: u16 = 0x101;

    #[test]
    fn a_stream_of_ffmpegs_own_is_clean_and_measured() {
        let report = check(&stream(0.0), &rules());
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.video.len(), 74, "the last frame may be cut, so it is not counted");
        assert!(report.audio.len() >= 130, "{}", report.audio.len());
        assert!(report.video[0].idr);
    }

    #[test]
    fn the_wrap_of_the_clock_is_no_event() {
        let capture = stream(95_443.7 - 1.4 - 1.5);
        let report = check(&capture, &rules());
        assert!(report.is_clean(), "{report}");
        assert!(report.wrapped, "the stream was meant to cross the wrap");
    }

    #[test]
    fn a_capture_cut_anywhere_is_clean() {
        let whole = stream(0.0);
        for cut in (whole.len() / 2..whole.len()).step_by(7_919) {
            let report = check(&whole[..cut], &rules());
            assert!(report.is_clean(), "cut at {cut}: {report}");
        }
    }

    #[test]
    fn a_lost_packet_is_a_continuity_error() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| has_payload_of(packet, VIDEO));
        capture.drain(at..at + PACKET_BYTES);
        assert_eq!(check(&capture, &rules()).count(Kind::Continuity), 1);
    }

    #[test]
    fn one_duplicate_is_allowed_and_two_are_not() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| has_payload_of(packet, AUDIO));
        let packet = capture[at..at + PACKET_BYTES].to_vec();
        capture.splice(at..at, packet.iter().copied());
        assert_eq!(kinds(&capture), []);
        capture.splice(at..at, packet.iter().copied());
        assert_eq!(kinds(&capture), [Kind::Continuity]);
    }

    #[test]
    fn lost_sync_is_reported_once_and_overcome() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| has_payload_of(packet, VIDEO));
        capture.splice(at..at, [0x12; 77]);
        assert_eq!(kinds(&capture), [Kind::Resync]);
    }

    #[test]
    fn two_streams_end_to_end_are_everything_that_a_splice_must_not_be() {
        let mut capture = stream(0.0);
        capture.extend(stream(0.0));
        let kinds = kinds(&capture);
        for kind in [Kind::Continuity, Kind::PcrBackward, Kind::DtsBackward, Kind::AudioOverlap, Kind::VideoOverlap] {
            assert!(kinds.contains(&kind), "{kind:?} is missing in {kinds:?}");
        }
    }

    #[test]
    fn a_jump_of_the_clock_is_a_gap_and_a_hole() {
        let mut capture = stream(0.0);
        let mut later = stream(8.0);
        continue_counters(&capture, &mut later);
        capture.extend(later);
        let kinds = kinds(&capture);
        for kind in [Kind::VideoGap, Kind::AudioHole, Kind::PcrInterval] {
            assert!(kinds.contains(&kind), "{kind:?} is missing in {kinds:?}");
        }
        assert!(!kinds.contains(&Kind::Continuity), "{kinds:?}");
    }

    /// Renumbers `next` so that its counters continue those of `before`.
    fn continue_counters(before: &[u8], next: &mut [u8]) {
        let mut last = std::collections::HashMap::new();
        for packet in before.chunks_exact(PACKET_BYTES) {
            last.insert([packet[1] & 0x1F, packet[2]], packet[3] & 0x0F);
        }
        for packet in next.chunks_exact_mut(PACKET_BYTES) {
            let counter = last.entry([packet[1] & 0x1F, packet[2]]).or_insert(15);
            *counter = (*counter + (packet[3] >> 4 & 1)) % 16;
            packet[3] = packet[3] & 0xF0 | *counter;
        }
    }

    #[test]
    fn an_announced_discontinuity_is_refused() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| packet[3] & 0x20 != 0 && packet[4] > 0);
        capture[at + 5] |= 0x80;
        assert_eq!(kinds(&capture), [Kind::Discontinuity]);
    }

    #[test]
    fn a_changed_map_is_reported_even_with_a_good_checksum_and_a_bad_one_is_named() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| packet[1..3] == [0x50, 0x00]);
        capture[at + 5 + 5] ^= 0x02;
        assert_eq!(kinds(&capture), [Kind::PsiChecksum]);
        let section = &mut capture[at + 5..];
        let length = 3 + usize::from(u16::from_be_bytes([section[1] & 0x0F, section[2]])) - 4;
        let checksum = psi::crc32(&section[..length]);
        section[length..length + 4].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(kinds(&capture), [Kind::PsiChanged]);
    }

    #[test]
    fn a_report_shows_the_first_offenders_with_place_and_time() {
        let mut capture = stream(0.0);
        let at = find(&capture, |packet| has_payload_of(packet, VIDEO));
        capture.drain(at..at + PACKET_BYTES);
        let text = check(&capture, &rules()).to_string();
        assert!(text.contains(&format!("byte {at}")), "{text}");
        assert!(text.contains("Continuity: 1"), "{text}");
    }
}
