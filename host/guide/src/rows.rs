//! Turns playout rows into what a guide lists.
//!
//! Does: give fillers to the programme before them, join slates, round to the guide's seconds.
//! Does not: invent rows, move a start or read anything but the rows.
//! Invariant: listed rows neither overlap nor leave a hole where the playout has none, and each is at least a second long.

use chrono::{DateTime, SubsecRound, Utc};
use exstreamtv_model::EntryKind;

use crate::xmltv::ProgrammeView;

/// One row of the guide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuideRow<'a> {
    pub view: &'a ProgrammeView<'a>,
    pub start: DateTime<Utc>,
    pub stop: DateTime<Utc>,
}

/// Lists the rows of one channel, which come in time order.
pub(crate) fn guide_rows<'a>(views: &'a [ProgrammeView<'a>]) -> Vec<GuideRow<'a>> {
    let mut listed: Vec<GuideRow<'a>> = Vec::with_capacity(views.len());
    for view in views {
        let (start, stop) = (view.entry.start.trunc_subsecs(0), view.entry.stop.trunc_subsecs(0));
        let start = listed.last().map_or(start, |last| start.max(last.stop));
        if start >= stop {
            continue;
        }
        match listed.last_mut() {
            Some(last) if last.stop == start && goes_on(last.view, view) => last.stop = stop,
            // Nobody looks for a filler in a guide; one at the very beginning shortens the guide, not a programme.
            _ if view.entry.kind == EntryKind::Filler => {}
            _ => listed.push(GuideRow { view, start, stop }),
        }
    }
    listed
}

fn goes_on(last: &ProgrammeView<'_>, next: &ProgrammeView<'_>) -> bool {
    let both_slates = last.entry.kind == EntryKind::Slate && next.entry.kind == EntryKind::Slate;
    next.entry.kind == EntryKind::Filler || (both_slates && last.entry.title == next.entry.title)
}
