//! What kind of failure a line of FFmpeg is.
//!
//! Does: compare the line with a table; each kind has a severity, says whether trying again can help, what is probably wrong and what to do.
//! Does not: decide what is done; see the resolvers.
//! Invariant: the first pattern that fits decides, and those that say more come before those that say less; a line that tells of nothing in
//! the table is no failure.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::Serialize;

use crate::event::LogLevel;

/// Kinds of failures; the first five are those of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FfmpegError {
    /// Nobody answered in time.
    ConnectionTimeout,
    /// A server refused; none of the kinds below.
    HttpError,
    /// There is no decoder or encoder for it.
    CodecError,
    /// The graphics card or its driver failed.
    HardwareError,
    /// There is no memory.
    MemoryError,
    /// 401: we are not known.
    HttpUnauthorized,
    /// 403: we may not.
    HttpForbidden,
    /// 404: it is not there.
    HttpNotFound,
    /// 5xx: the server has a fault.
    HttpServerError,
    /// The name cannot be resolved.
    DnsError,
    /// The encrypted connection failed.
    TlsError,
    /// Nobody listens there.
    ConnectionRefused,
    /// The other side broke off.
    ConnectionReset,
    /// Whoever read our output is gone.
    BrokenPipe,
    /// The disk is full.
    NoSpace,
    /// The file may not be read.
    PermissionDenied,
    /// There is no such file.
    NoSuchFile,
    /// A film whose index is missing: it was cut off.
    MoovMissing,
    /// What is in the file is no media, or damaged.
    InvalidData,
    /// FFmpeg was built without this encoder.
    UnknownEncoder,
    /// The graphics card went away.
    DeviceLost,
    /// The graphics card has no session left.
    SessionLimit,
    /// The filters do not fit together.
    FilterGraph,
    /// Times go backward in the source.
    NonMonotonicDts,
    /// The reading end lags behind: data was lost on the way.
    BufferUnderrun,
}

/// What is known about a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Kind {
    /// Which.
    pub error: FfmpegError,
    /// How serious it is.
    pub severity: LogLevel,
    /// Whether trying again can help.
    pub recoverable: bool,
    /// What is probably wrong.
    pub probable_cause: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// What FFmpeg says (a regular expression, whatever the case), and what kind that is.
struct Entry(&'static str, Kind);

const fn kind(
    error: FfmpegError,
    severity: LogLevel,
    recoverable: bool,
    probable_cause: &'static str,
    advice: &'static str,
) -> Kind {
    Kind { error, severity, recoverable, probable_cause, advice }
}

use FfmpegError as E;
use LogLevel::{Critical, Error, Warning};

/// Texts of FFmpeg 4.4 to 8, libcurl-free builds; HTTP texts are those of libavformat/http.c, system texts those of strerror(3).
static TABLE: &[Entry] = &[
    Entry(
        r"OpenEncodeSessionEx failed: out of memory|max(imum)? number of (concurrent )?sessions|incompatible client key \(21\)",
        kind(
            E::SessionLimit,
            Error,
            true,
            "the graphics card has no encoding session left",
            "encode fewer channels on it, or let some be encoded in software",
        ),
    ),
    Entry(
        r"401 Unauthorized|HTTP error 401|Server returned 401",
        kind(
            E::HttpUnauthorized,
            Error,
            true,
            "the password or token for the source is wrong or has expired",
            "renew the source's token",
        ),
    ),
    Entry(
        r"403 Forbidden|HTTP error 403|Server returned 403",
        kind(
            E::HttpForbidden,
            Error,
            true,
            "the address of the source has expired, or this server may not use it",
            "ask the source for a new address",
        ),
    ),
    Entry(
        r"404 Not Found|HTTP error 404|Server returned 404",
        kind(
            E::HttpNotFound,
            Error,
            false,
            "the source does not have it any more",
            "scan the library again, or choose another version",
        ),
    ),
    Entry(
        r"HTTP error 5\d\d|Server returned 5XX|\b50[0-4] (Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|Not Implemented)",
        kind(E::HttpServerError, Error, true, "the source's server has a fault", "look at the source's own log"),
    ),
    Entry(
        r"HTTP error \d{3}|Server returned 4\d\d|Server returned 4XX",
        kind(E::HttpError, Error, true, "the source's server refuses", "look at the source's own log"),
    ),
    Entry(
        r"Failed to resolve hostname|Temporary failure in name resolution|Name or service not known|nodename nor servname",
        kind(
            E::DnsError,
            Error,
            true,
            "the name of the source cannot be resolved",
            "check the name and this machine's DNS server",
        ),
    ),
    Entry(
        r"TLS fatal alert|SSL.*(error|failed)|certificate verify failed|(GnuTLS|The TLS connection).*(error|terminated|was non-properly)|error in the (pull|push) function",
        kind(
            E::TlsError,
            Error,
            true,
            "the encrypted connection to the source failed",
            "check the source's certificate and this machine's clock",
        ),
    ),
    Entry(
        r"Connection timed out|Operation timed out|timed out|ETIMEDOUT",
        kind(
            E::ConnectionTimeout,
            Error,
            true,
            "the source does not answer in time",
            "check the network and whether the source is overloaded",
        ),
    ),
    Entry(
        r"Connection refused",
        kind(
            E::ConnectionRefused,
            Error,
            true,
            "nobody listens at the source's address",
            "start the source's server, or correct the address",
        ),
    ),
    Entry(
        r"Connection reset by peer|Software caused connection abort|Network is unreachable|No route to host|Stream ends prematurely|partial file",
        kind(
            E::ConnectionReset,
            Error,
            true,
            "the connection to the source broke off",
            "check the network between this machine and the source",
        ),
    ),
    Entry(
        r"Broken pipe",
        kind(
            E::BrokenPipe,
            Warning,
            true,
            "whoever read the output is gone",
            "nothing: the channel was ended or is started again",
        ),
    ),
    Entry(
        r"No space left on device|Disk quota exceeded",
        kind(E::NoSpace, Critical, true, "the disk is full", "free some space"),
    ),
    Entry(
        r"Cannot allocate memory|out of memory|\bENOMEM\b|malloc.*failed|failed to allocate",
        kind(
            E::MemoryError,
            Critical,
            false,
            "the machine or the channel's limit has no memory left",
            "show fewer channels, a smaller picture, or raise [ffmpeg] memory_limit_bytes",
        ),
    ),
    Entry(
        r"device (was )?lost|CUDA_ERROR_(UNKNOWN|LAUNCH|ILLEGAL|ECC|NO_DEVICE)|VK_ERROR_DEVICE_LOST|GPU (has )?hung|No such device",
        kind(
            E::DeviceLost,
            Critical,
            true,
            "the graphics card went away or hangs",
            "look at the kernel's log; the channel goes on in software",
        ),
    ),
    Entry(
        r"Unknown (en|de)coder|Encoder .* not found|Encoder not found|No such filter",
        kind(
            E::UnknownEncoder,
            Critical,
            false,
            "this FFmpeg was built without it",
            "install a complete FFmpeg; see exstreamtv hardware",
        ),
    ),
    Entry(
        r"videotoolbox.*(error|failed|cannot)|(error|failed).*videotoolbox|No VA display|Failed to initiali[sz]e VA|vaapi.*(error|failed)|Cannot load (libcuda|libnvcuvid|nvcuda)|No capable devices found|CUDA_ERROR|cu\w+ failed|Device creation failed|MFX session|hardware accelerator failed|Failed setup for format|Could not find a valid device",
        kind(
            E::HardwareError,
            Error,
            true,
            "the graphics card or its driver failed",
            "see exstreamtv hardware; the channel goes on in software",
        ),
    ),
    Entry(
        r"Decoder .* not found|Decoder not found|Could not find codec parameters|Unsupported codec|Decoding requested, but no decoder",
        kind(
            E::CodecError,
            Critical,
            false,
            "there is no decoder for this file",
            "convert the file, or install a complete FFmpeg",
        ),
    ),
    Entry(
        r"Impossible to convert between the formats|Error (re)?initiali[sz]ing filter|Failed to configure (input|output) pad|Error (while )?(parsing|configuring) (a )?filter|Error reinitializing filters|Invalid output format .* for hwframe download|hardware device reference is required",
        kind(
            E::FilterGraph,
            Error,
            true,
            "the filters do not fit this file",
            "the channel goes on in software; report it with its dossier",
        ),
    ),
    Entry(
        r"Permission denied|Operation not permitted",
        kind(E::PermissionDenied, Error, true, "this server may not read the file", "let the server's user read it"),
    ),
    Entry(
        r"No such file or directory",
        kind(E::NoSuchFile, Error, true, "the file is gone", "bring it back, or scan the library again"),
    ),
    Entry(
        r"moov atom not found",
        kind(E::MoovMissing, Error, false, "the file was cut off while it was written", "copy or record it again"),
    ),
    Entry(
        r"non.?monoton(ous|ic|ically increasing)( increasing)? dts|DTS .* out of order|Application provided invalid, non monotonically",
        kind(E::NonMonotonicDts, Warning, true, "times go backward in the file", "nothing: it is played all the same"),
    ),
    Entry(
        r"buffer underrun|buffer underflow|circular buffer overrun|Thread message queue blocking",
        kind(
            E::BufferUnderrun,
            Warning,
            true,
            "the source is too slow, or too much comes at once",
            "check the disk or network of the source",
        ),
    ),
    Entry(
        r"Invalid data found|corrupt (input packet|decoded frame)|ended prematurely|Invalid NAL|error while decoding|concealing \d+|Header missing|EBML header parsing failed|Truncating packet",
        kind(E::InvalidData, Error, false, "the file is damaged, or is no media", "check the file, or copy it again"),
    ),
];

/// Each pattern alone, and all of them at once.
static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| {
    let patterns = TABLE.iter().map(|Entry(pattern, _)| format!("(?i){pattern}"));
    RegexSet::new(patterns).expect("patterns that their tests compile")
});

/// Returns what kind of failure a line tells of, if it tells of one.
pub fn classify(line: &str) -> Option<&'static Kind> {
    let first = PATTERNS.matches(line).iter().next()?;
    TABLE.get(first).map(|Entry(_, kind)| kind)
}

/// Returns everything that is known about every kind, in the order of the table.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    TABLE.iter().map(|Entry(_, kind)| kind)
}

impl FfmpegError {
    /// Returns its name as a tag: "connection_timeout".
    pub fn tag(self) -> String {
        let name = format!("{self:?}");
        static UPPER: LazyLock<Regex> =
            LazyLock::new(|| Regex::new("(.)([A-Z])").expect("a pattern that its tests compile"));
        UPPER.replace_all(&name, "${1}_${2}").to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Lines as FFmpeg writes them, and what they are. A kind that the list lacks fails the test below it.
    const CORPUS: &[(&str, FfmpegError)] = &[
        ("[tcp] Connection to tcp://10.0.0.1:32400 failed: Connection timed out", E::ConnectionTimeout),
        ("http: HTTP error 429 Too Many Requests", E::HttpError),
        ("http: HTTP error 401 Unauthorized", E::HttpUnauthorized),
        ("http://tv/x: Server returned 401 Unauthorized (authorization failed)", E::HttpUnauthorized),
        ("http: HTTP error 403 Forbidden", E::HttpForbidden),
        ("http://tv/x: Server returned 403 Forbidden (access denied)", E::HttpForbidden),
        ("http: HTTP error 404 Not Found", E::HttpNotFound),
        ("http: HTTP error 503 Service Unavailable", E::HttpServerError),
        ("http://tv/x: Server returned 5XX Server Error reply", E::HttpServerError),
        ("tcp: Failed to resolve hostname nas.lan: Temporary failure in name resolution", E::DnsError),
        ("tls: error:0A000086:SSL routines::certificate verify failed", E::TlsError),
        ("tcp: Connection to tcp://127.0.0.1:1 failed: Connection refused", E::ConnectionRefused),
        ("https: Stream ends prematurely at 1048576, should be 9000000", E::ConnectionReset),
        ("av_interleaved_write_frame(): Connection reset by peer", E::ConnectionReset),
        ("av_interleaved_write_frame(): Broken pipe", E::BrokenPipe),
        ("av_interleaved_write_frame(): No space left on device", E::NoSpace),
        ("x264 [error]: malloc of size 3110400 failed", E::MemoryError),
        ("Error while opening encoder: Cannot allocate memory", E::MemoryError),
        ("h264_nvenc: OpenEncodeSessionEx failed: out of memory (10): (no details)", E::SessionLimit),
        ("hevc_vulkan: Device lost: VK_ERROR_DEVICE_LOST", E::DeviceLost),
        ("Unknown encoder 'h264_nvenc'", E::UnknownEncoder),
        ("h264_videotoolbox: Error: cannot create compression session: -12903", E::HardwareError),
        ("AVHWDeviceContext: Cannot load libcuda.so.1", E::HardwareError),
        ("h264: Failed setup for format cuda: hwaccel initialisation returned error.", E::HardwareError),
        ("Decoder (codec av1) not found for input stream #0:0", E::CodecError),
        (
            "Impossible to convert between the formats supported by the filter 'Parsed_null_0' and the filter 'auto_scale_0'",
            E::FilterGraph,
        ),
        ("/m/film.mkv: Permission denied", E::PermissionDenied),
        ("/m/film.mkv: No such file or directory", E::NoSuchFile),
        ("mov,mp4,m4a,3gp,3g2,mj2: moov atom not found", E::MoovMissing),
        (
            "mpegts: Application provided invalid, non monotonically increasing dts to muxer in stream 0: 5 >= 4",
            E::NonMonotonicDts,
        ),
        ("udp: circular buffer overrun. To avoid, increase fifo_size URL option.", E::BufferUnderrun),
        ("file:/x.mp4: Invalid data found when processing input", E::InvalidData),
        ("h264: error while decoding MB 31 12, bytestream -5", E::InvalidData),
        ("matroska,webm: File ended prematurely", E::InvalidData),
    ];

    #[test]
    fn lines_of_ffmpeg_are_what_they_are() {
        for (line, expected) in CORPUS {
            assert_eq!(classify(line).map(|kind| kind.error), Some(*expected), "{line}");
        }
    }

    #[test]
    fn every_kind_is_in_the_table_once_and_has_a_line_that_proves_it() {
        let in_table: Vec<_> = kinds().map(|kind| kind.error).collect();
        let shown: BTreeSet<_> = CORPUS.iter().map(|(_, error)| *error).collect();
        assert_eq!(in_table.iter().copied().collect::<BTreeSet<_>>(), shown);
        assert_eq!(in_table.len(), shown.len(), "no kind twice");
        assert!(kinds().all(|kind| !kind.probable_cause.is_empty() && !kind.advice.is_empty()));
    }

    #[test]
    fn the_specification_says_how_serious_its_five_are_and_whether_they_heal() {
        for (error, severity, recoverable) in [
            (E::ConnectionTimeout, Error, true),
            (E::HttpError, Error, true),
            (E::CodecError, Critical, false),
            (E::HardwareError, Error, true),
            (E::MemoryError, Critical, false),
        ] {
            let kind = kinds().find(|kind| kind.error == error).unwrap();
            assert_eq!((kind.severity, kind.recoverable), (severity, recoverable), "{error:?}");
        }
    }

    #[test]
    fn what_is_no_failure_is_none() {
        for line in [
            "",
            "Input #0, matroska,webm, from 'file:/m/The Timeout (2019).mkv':",
            "Press [q] to stop, [?] for help",
            "frame=  100 fps= 25 q=28.0 size=     512kB time=00:00:04.00 bitrate=1048.6kbits/s speed=1x",
            "Stream mapping:",
            "12 lines left out",
        ] {
            assert_eq!(classify(line), None, "{line}");
        }
    }

    #[test]
    fn a_tag_is_what_a_person_types() {
        assert_eq!(E::ConnectionTimeout.tag(), "connection_timeout");
        assert_eq!(E::NonMonotonicDts.tag(), "non_monotonic_dts");
    }
}
