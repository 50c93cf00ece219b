//! Turns playout rows into what a guide lists.
//!
//! Does: give fillers and breaks to the programme before them, join slates and the parts of one programme, round to the guide's seconds.
//! Does not: invent rows, move a start or read anything but the rows.
//! Invariant: listed rows neither overlap nor leave a hole where the playout has none, and each is at least a second long.

use chrono::{DateTime, SubsecRound, Utc};
use exstreamtv_model::{EntryKind, PlayoutEntry};

use crate::xmltv::ProgrammeView;

/// One row of the guide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuideRow<'a> {
    pub view: &'a ProgrammeView<'a>,
    pub start: DateTime<Utc>,
    pub stop: DateTime<Utc>,
    /// The last part of the programme so far.
    part: &'a PlayoutEntry,
}

/// Lists the rows of one channel, which come in time order.
pub(crate) fn guide_rows<'a>(views: &'a [ProgrammeView<'a>]) -> Vec<GuideRow<'a>> {
    let mut listed: Vec<GuideRow<'a>> = Vec::with_capacity(views.len());
    // Where fillers began that no programme is before.
    let mut leading: Option<DateTime<Utc>> = None;
    let mut reached: Option<DateTime<Utc>> = None;
    for view in views {
        let (start, stop) = (view.entry.start.trunc_subsecs(0), view.entry.stop.trunc_subsecs(0));
        let start = reached.map_or(start, |reached| start.max(reached));
        if start >= stop {
            continue;
        }
        if reached != Some(start) {
            leading = None;
        }
        match (view.entry.kind, listed.last_mut().filter(|last| last.stop == start && leading.is_none())) {
            (EntryKind::Filler, Some(last)) if last.view.entry.kind != EntryKind::Slate => last.stop = stop,
            (EntryKind::Filler, _) => leading = leading.or(Some(start)),
            (_, Some(last)) if goes_on(last, view) => (last.stop, last.part) = (stop, view.entry),
            (EntryKind::Programme, _) => {
                let start = leading.take().unwrap_or(start);
                listed.push(GuideRow { view, start, stop, part: view.entry });
            }
            (EntryKind::Slate, _) => {
                let start = match (leading.take(), listed.last_mut()) {
                    // Fillers between two slates are nobody's: the first slate goes on over them.
                    (Some(from), Some(last)) if last.stop == from => (last.stop = start, start).1,
                    (from, _) => from.unwrap_or(start),
                };
                match listed.last_mut().filter(|last| last.stop == start && goes_on(last, view)) {
                    Some(last) => last.stop = stop,
                    None => listed.push(GuideRow { view, start, stop, part: view.entry }),
                }
            }
        }
        reached = Some(stop);
    }
    // Nothing comes behind the last fillers.
    if let Some((reached, last)) = reached.zip(listed.last_mut()).filter(|(_, last)| Some(last.stop) == leading) {
        last.stop = reached;
    }
    listed
}

fn goes_on(last: &GuideRow<'_>, next: &ProgrammeView<'_>) -> bool {
    let both_slates = last.view.entry.kind == EntryKind::Slate && next.entry.kind == EntryKind::Slate;
    (both_slates && last.view.entry.title == next.entry.title) || next.entry.resumes(last.part)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use exstreamtv_model::{ChannelId, MediaId, PlayoutEntryId};

    use super::*;

    /// Rows of ten seconds each: "a0" is the part of a film a that begins at its start, "a1" the next part; "f" is a filler, "s" a slate.
    fn entries(rows: &str) -> Vec<PlayoutEntry> {
        let entry = |(place, row): (i64, &str)| {
            let start = DateTime::UNIX_EPOCH + TimeDelta::seconds(place * 10);
            let (name, part) = row.split_at(1);
            let kind = match name {
                "f" => EntryKind::Filler,
                "s" => EntryKind::Slate,
                _ => EntryKind::Programme,
            };
            PlayoutEntry {
                id: PlayoutEntryId(place),
                channel: ChannelId(1),
                start,
                stop: start + TimeDelta::seconds(10),
                media: (name != "s").then(|| MediaId(name.as_bytes()[0].into())),
                in_point_ms: part.parse::<i64>().unwrap_or(0) * 10_000,
                kind,
                title: name.to_owned(),
                rule: String::new(),
                why: String::new(),
            }
        };
        (0..).zip(rows.split(' ')).map(entry).collect()
    }

    /// What the guide lists: name, and how many rows long it is.
    fn listed(rows: &str) -> String {
        let entries = entries(rows);
        let views: Vec<_> = entries.iter().map(|entry| ProgrammeView { entry, media: None, icon_url: None }).collect();
        let rows = guide_rows(&views);
        assert!(rows.windows(2).all(|pair| pair[0].stop == pair[1].start), "a hole or an overlap");
        let name =
            |row: &GuideRow<'_>| format!("{}{}", row.view.entry.title, (row.stop - row.start).num_seconds() / 10);
        rows.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fillers_belong_to_the_programme_before_them_and_leading_ones_to_the_one_after() {
        assert_eq!(listed("a0 f f b0 f"), "a3 b2");
        assert_eq!(listed("f f a0 b0"), "a3 b1");
        assert_eq!(listed("s f a0"), "s1 a2");
        assert_eq!(listed("a0 f s s f f s b0"), "a2 s5 b1");
        assert_eq!(listed("a0 s f"), "a1 s2");
        assert_eq!(listed("f s"), "s2");
        assert_eq!(listed("f f"), "");
    }

    #[test]
    fn parts_of_one_programme_around_breaks_are_one_programme() {
        assert_eq!(listed("a0 f a1 f f a2 b0"), "a6 b1");
        assert_eq!(listed("a0 a0 a1"), "a1 a2", "a film that is shown again is another programme");
        assert_eq!(listed("a0 f a2"), "a2 a1", "so is one that goes on elsewhere");
        assert_eq!(listed("a0 s a1"), "a1 s1 a1");
    }
}
