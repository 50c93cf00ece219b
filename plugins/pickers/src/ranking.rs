//! Ranks candidates by criteria, and says by which of them each one lost.
//!
//! Does: sort by scores in the order of importance; file order decides between equals.
//! Does not: know what the criteria mean; the audio and the subtitle picker do.
//! Invariant: every candidate comes out exactly once.

/// One candidate's marks.
pub(crate) struct Standing<const N: usize> {
    /// Place in the request.
    pub(crate) place: usize,
    /// Why it cannot be chosen at all, in words for people.
    pub(crate) excluded: Option<String>,
    /// Its marks by falling importance; 0 is best.
    pub(crate) scores: [u32; N],
}

/// Candidates in order, the best first; excluded ones last.
pub(crate) struct Ranking<const N: usize>(Vec<Standing<N>>);

/// What is said of one candidate.
pub(crate) struct Verdict {
    /// Place in the request.
    pub(crate) place: usize,
    /// Whether it is the best.
    pub(crate) chosen: bool,
    /// Why, in words for people.
    pub(crate) reason: String,
}

impl<const N: usize> Ranking<N> {
    pub(crate) fn new(mut standings: Vec<Standing<N>>) -> Self {
        // A stable sort leaves equals in the order in which they were offered. Excluded ones have no other order.
        standings.sort_by_key(|standing| match standing.excluded {
            None => (false, standing.scores),
            Some(_) => (true, [0; N]),
        });
        Self(standings)
    }

    pub(crate) fn best(&self) -> Option<&Standing<N>> {
        self.0.first().filter(|standing| standing.excluded.is_none())
    }

    /// Says of each candidate whether it is the best, and why: `choice` of the best one's place, `rejection` of the most important criterion in which a
    /// place is worse than the best one's.
    pub(crate) fn verdicts(
        &self,
        choice: impl Fn(usize) -> String,
        rejection: impl Fn(Option<usize>, usize, usize) -> String,
    ) -> impl Iterator<Item = Verdict> {
        let best = self.best();
        self.0.iter().map(move |standing| {
            let chosen = best.is_some_and(|best| best.place == standing.place);
            let reason = match (&standing.excluded, best) {
                (Some(reason), _) => reason.clone(),
                (None, Some(best)) if !chosen => rejection(standing.lost_by(best), standing.place, best.place),
                (None, _) => choice(standing.place),
            };
            Verdict { place: standing.place, chosen, reason }
        })
    }
}

impl<const N: usize> Standing<N> {
    /// Returns the most important criterion in which this one is worse than the best; `None` where they are equal.
    fn lost_by(&self, best: &Self) -> Option<usize> {
        (0..N).find(|criterion| self.scores[*criterion] != best.scores[*criterion])
    }
}

/// Returns whether something with or without the trait is held back, neutral or put first: 0, 1 or 2, the smaller the better.
pub(crate) fn by_wish(wish: exstreamtv_model::pick::Wish, has_it: bool) -> u32 {
    use exstreamtv_model::pick::Wish;
    match (wish, has_it) {
        (Wish::Prefer, true) => 0,
        (Wish::Avoid, true) => 2,
        _ => 1,
    }
}

/// Writes a list for people: "German, English".
pub(crate) fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
