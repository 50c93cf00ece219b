//! What an ordeal must come to.
//!
//! Does: hold what a test expects of slates and incidents, and compare.
//! Does not: know how they were found.
//! Invariant: an incident too many fails as much as one too few.

use crate::{api::Incident, fixtures::Recipe};

/// What must be seen of the slate after the blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slate {
    /// The blow outlasts every reserve.
    Seen,
    /// The reserve may be enough.
    Allowed,
    /// Nothing is missing, so nothing has to be covered.
    Never,
}

/// What an ordeal must come to.
#[derive(Debug, Clone)]
pub struct Verdict {
    slate: Slate,
    causes: &'static [&'static str],
    swap: Option<(u8, u8)>,
    company: Option<&'static str>,
    step_ms: i64,
    held_ms: i64,
}

impl Verdict {
    /// Nothing happened that anybody should have noticed.
    pub const UNNOTICED: Self =
        Self { slate: Slate::Never, causes: &[], swap: None, company: None, step_ms: 0, held_ms: 0 };

    /// One incident with one of these causes; none where there are no causes.
    pub fn new(slate: Slate, causes: &'static [&'static str]) -> Self {
        Self { slate, causes, swap: None, company: None, step_ms: 0, held_ms: 0 }
    }

    /// Another clip lies in the place of one.
    #[must_use]
    pub fn with_swap(self, clip: Recipe, in_its_place: Recipe) -> Self {
        Self { swap: Some((clip.code, in_its_place.code)), ..self }
    }

    /// The wall clock is set by this much, and the schedule with it.
    #[must_use]
    pub fn with_step(self, step_ms: i64) -> Self {
        Self { step_ms, ..self }
    }

    /// Returns by how much the wall clock is set.
    pub(super) fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// A file ends before its programme: its last picture is held for a second, as for files that promise a little too much.
    #[must_use]
    pub fn with_a_held_picture(self) -> Self {
        Self { held_ms: 1_000, ..self }
    }

    /// Returns how long a picture may stand.
    pub(super) fn held_ms(&self) -> i64 {
        self.held_ms
    }

    /// FFmpeg brings this program along, which has to go with it.
    #[must_use]
    pub fn with_company(self, program: &'static str) -> Self {
        Self { company: Some(program), ..self }
    }

    /// Returns which program besides FFmpeg is to be expected.
    pub(super) fn company(&self) -> Option<&'static str> {
        self.company
    }

    /// Returns the code that pictures show where the timeline has `code`.
    pub(super) fn replaced(&self, code: Option<u8>) -> Option<u8> {
        match (code, self.swap) {
            (Some(code), Some((old, new))) if code == old => Some(new),
            _ => code,
        }
    }

    /// Fails unless as many slate pictures were seen as must be.
    pub(super) fn judge_slate(&self, way: &str, pictures: usize, report: &str) {
        println!("{pictures} pictures of slate by {way}");
        match self.slate {
            Slate::Seen => assert!(pictures > 0, "no slate was seen by {way}: {report}"),
            Slate::Allowed => {}
            Slate::Never => assert_eq!(pictures, 0, "{pictures} pictures of slate by {way}: {report}"),
        }
    }

    /// Fails unless there is one incident since the blow, with a true cause and an end.
    pub(super) fn judge_incidents(&self, incidents: &[Incident], struck_ms: i64) {
        let expected = usize::from(!self.causes.is_empty());
        assert_eq!(incidents.len(), expected, "{} expected: {incidents:#?}", self.causes.join(" or "));
        for incident in incidents {
            assert!(self.causes.contains(&incident.cause.as_str()), "not {:?}: {incident:#?}", self.causes);
            assert!(incident.ended_ms.is_some_and(|end| end >= incident.began_ms), "it is over: {incident:#?}");
            assert!(incident.began_ms >= struck_ms - 1_000, "it began before the blow at {struck_ms}: {incident:#?}");
            assert!(incident.code.starts_with("EX-") && !incident.title.is_empty(), "{incident:#?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn incident(cause: &str, ended_ms: Option<i64>) -> Incident {
        let (cause, code, title) = (cause.to_owned(), "EX-21".to_owned(), "Long".to_owned());
        Incident { cause, code, began_ms: 5_000, ended_ms, failures: 1, title }
    }

    fn accepted(verdict: &Verdict, incidents: Vec<Incident>) -> bool {
        let verdict = verdict.clone();
        catch_unwind(move || verdict.judge_incidents(&incidents, 5_000)).is_ok()
    }

    #[test]
    fn one_true_incident_that_is_over_is_accepted_and_nothing_else() {
        let verdict = Verdict::new(Slate::Allowed, &["ffmpeg_crashed"]);
        let good = incident("ffmpeg_crashed", Some(6_000));
        assert!(accepted(&verdict, vec![good.clone()]));
        assert!(!accepted(&verdict, vec![]));
        assert!(!accepted(&verdict, vec![good.clone(), good.clone()]));
        assert!(!accepted(&verdict, vec![incident("worker_lost", Some(6_000))]));
        assert!(!accepted(&verdict, vec![incident("ffmpeg_crashed", None)]));
        assert!(!accepted(&Verdict::UNNOTICED, vec![good]));
        assert!(accepted(&Verdict::UNNOTICED, vec![]));
    }

    #[test]
    fn a_slate_that_was_not_seen_and_one_too_many_are_found() {
        let judge = |slate, pictures| catch_unwind(|| Verdict::new(slate, &[]).judge_slate("TS", pictures, "")).is_ok();
        assert!(judge(Slate::Seen, 1) && judge(Slate::Allowed, 0) && judge(Slate::Never, 0));
        assert!(!judge(Slate::Seen, 0) && !judge(Slate::Never, 1));
    }
}
