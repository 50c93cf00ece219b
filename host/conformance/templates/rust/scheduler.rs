//! @TITLE@: a scheduler for EXStreamTV. As it stands it plays the channel's collection in its order, for ever.
//!
//! The same request gives the same answer: no clock, no randomness but `request.seed`, nothing kept between calls but the state in the answer.

use exstreamtv_plugin_sdk::{
    EntryKind, MediaId, PlanError, Scheduler, export_plugins,
    schedule::{MAIN_POOL, MAX_ENTRIES, PlanAnswer, PlanEntry, PlanRequest, PoolItem},
    serde_json::{Value, json},
};

export_plugins! {
    scheduler { id: "@ID@", name: "@TITLE@", vendor: "@VENDOR@" } => |_start| Ok(Box::new(Strategy));
}

struct Strategy;

impl Scheduler for Strategy {
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let items = request.pool(MAIN_POOL);
        let first = place_after(items, last_on_air(request));
        let mut coming = items.iter().cycle().skip(first);
        let mut entries: Vec<PlanEntry> = Vec::new();
        let mut at_ms = request.window.start_ms;
        while at_ms < request.window.stop_ms {
            let item = coming.next().ok_or(PlanError::EmptyPool)?;
            if entries.len() == MAX_ENTRIES {
                return Err(PlanError::TooManyEntries);
            }
            entries.push(entry(item, at_ms)?);
            at_ms += item.duration_ms;
        }
        let state = json!({ "last": entries.last().and_then(|entry| entry.item) });
        Ok(PlanAnswer { entries, state, notes: Vec::new() })
    }
}

fn entry(item: &PoolItem, start_ms: i64) -> Result<PlanEntry, PlanError> {
    let stop_ms = start_ms.checked_add(item.duration_ms).filter(|stop_ms| *stop_ms > start_ms);
    let stop_ms = stop_ms.ok_or(PlanError::BadItem { item: item.id, duration_ms: item.duration_ms })?;
    Ok(PlanEntry {
        item: Some(item.id),
        start_ms,
        stop_ms,
        in_point_ms: 0,
        kind: EntryKind::Programme,
        rule: String::new(),
        why: "in order".into(),
    })
}

/// Returns the item that was on air last: what was aired since the state was given, else what the state says. A state that makes no sense is none.
fn last_on_air(request: &PlanRequest) -> Option<MediaId> {
    let aired = request.aired.iter().rev().find_map(|entry| entry.item);
    let stored = request.state.as_ref().and_then(|state| state.get("last")).and_then(Value::as_str);
    aired.or_else(|| stored?.parse().ok())
}

/// Returns the place of the item behind `last`; the first one if that is gone.
fn place_after(items: &[PoolItem], last: Option<MediaId>) -> usize {
    items.iter().position(|item| Some(item.id) == last).map_or(0, |place| place + 1)
}

#[cfg(test)]
mod tests {
    use exstreamtv_plugin_sdk::{MediaKind, plan_in_windows, schedule::{Pool, Window}};

    use super::*;

    fn item(id: i64, minutes: i64) -> PoolItem {
        PoolItem {
            id: MediaId(id),
            duration_ms: minutes * 60_000,
            kind: MediaKind::Movie,
            title: format!("Film {id}"),
            show: None,
            season: None,
            episode: None,
            position: None,
            chapters_ms: Vec::new(),
        }
    }

    fn request(hours: i64) -> PlanRequest {
        PlanRequest {
            channel: String::new(),
            zone: "Europe/Berlin".into(),
            window: Window { start_ms: 0, stop_ms: hours * 3_600_000 },
            settings: Value::Null,
            pools: vec![Pool::whole(MAIN_POOL, vec![item(1, 90), item(2, 45), item(3, 120)])],
            state: None,
            seed: 1,
            aired: Vec::new(),
        }
    }

    #[test]
    fn items_follow_each_other_over_windows() {
        let entries = plan_in_windows(&Strategy, &request(24), 2 * 3_600_000).unwrap();
        let ids: Vec<_> = entries.iter().take(5).map(|entry| entry.item.unwrap().0).collect();
        assert_eq!(ids, [1, 2, 3, 1, 2]);
    }

    #[test]
    fn after_an_edit_it_goes_on_behind_what_was_aired() {
        let answer = Strategy.plan(&request(2)).unwrap();
        let aired = vec![answer.entries[0].clone()];
        let next = Strategy.plan(&PlanRequest { aired, ..request(2) }).unwrap();
        assert_eq!(next.entries[0].item, Some(MediaId(2)));
    }
}
