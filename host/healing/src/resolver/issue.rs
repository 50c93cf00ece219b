//! What is wrong, as far as something may be done about it.
//!
//! Does: name an issue, tell one from another, and say which issue a channel's cause is.
//! Does not: notice anything; whoever watches channels, database and machine does.
//! Invariant: one thing that is wrong in one place is one issue, however often it is seen.

use exstreamtv_model::{
    Cause, ChannelId,
    incident::{Evidence, IssueType, Severity},
};
use serde::{Deserialize, Serialize};

use super::deed::Deed;

/// What tells one issue from another: what is wrong, and where. Nobody's channel is the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssueKey {
    /// What is wrong.
    pub issue: IssueType,
    /// The channel that suffers, if it is one.
    pub channel: Option<ChannelId>,
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What, and where.
    pub key: IssueKey,
    /// How bad it is.
    pub severity: Severity,
    /// The circumstances in one word; what helps is learnt for each by itself.
    pub context: String,
    /// When it began, Unix milliseconds.
    pub since_ms: i64,
    /// What was seen, oldest first.
    pub evidence: Vec<Evidence>,
    /// What could be done at this moment.
    pub available: Vec<Deed>,
    /// Whether the programme is still on, and trouble only to be expected.
    pub on_air: bool,
    /// Channels that an action on the machine as a whole would interrupt.
    pub channels: u32,
}

/// Returns which issue a channel's cause is; `None` where nothing is wrong that anybody could mend. `detail` tells an address that expired from a
/// name that is refused.
pub fn of_cause(cause: Cause, detail: &str) -> Option<IssueType> {
    let issue = match cause {
        Cause::FfmpegHung | Cause::FfmpegSlow | Cause::FfmpegGarbled | Cause::WorkerHung => IssueType::FfmpegHang,
        Cause::FfmpegCrashed | Cause::HardwareFailed | Cause::WorkerLost => IssueType::FfmpegCrash,
        Cause::SourceForbidden if is_expired(detail) => IssueType::UrlExpired,
        Cause::SourceForbidden => IssueType::AuthFailed,
        Cause::SourceMissing
        | Cause::SourceUnreachable
        | Cause::SourceDamaged
        | Cause::FormatUnknown
        | Cause::EndedEarly => IssueType::SourceUnavailable,
        Cause::OutOfMemory => IssueType::MemoryPressure,
        // Only a person can install FFmpeg or empty a disk.
        Cause::FfmpegMissing | Cause::DiskFull => IssueType::Unknown,
        _ => return None,
    };
    Some(issue)
}

/// A server that knew us and does not like the address any more.
fn is_expired(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    ["403", "forbidden", "expired", "410"].iter().any(|sign| detail.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_that_is_a_fault_is_an_issue_or_a_matter_of_room() {
        for cause in Cause::ALL {
            let issue = of_cause(cause, "");
            let mendable = cause.is_fault() && !matches!(cause, Cause::NoCapacity);
            assert_eq!(issue.is_some(), mendable, "{cause:?}");
        }
    }

    #[test]
    fn an_address_that_expired_is_told_from_a_name_that_is_refused() {
        let of = |detail| of_cause(Cause::SourceForbidden, detail);
        assert_eq!(of("Server returned 403 Forbidden (access denied)"), Some(IssueType::UrlExpired));
        assert_eq!(of("Server returned 401 Unauthorized"), Some(IssueType::AuthFailed));
        assert_eq!(of("Permission denied"), Some(IssueType::AuthFailed));
    }
}
