//! The documents of a plan: what is sent, what is read, and what the built-in schedule remembers.
//!
//! Does: cut pools to their first page, read and check answers, and plan where no plugin does.
//! Does not: call anybody.
//! Invariant: the state of a strategy survives the built-in schedule's turns unchanged.

use exstreamtv_model::schedule::{MAX_STATE_BYTES, PlanAnswer, PlanRequest, Pool};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;
use serde_json::{Value, json};

use super::{fallback, question::POOL_PAGE_ITEMS};

/// Marks a state that holds that of the built-in schedule beside the strategy's own.
const MARK: &str = "exstreamtv.fallback";

/// Where the built-in schedule was when it last had to answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept(Option<Value>);

impl Kept {
    /// Takes the built-in schedule's part out of a state, and leaves the strategy's own.
    pub(super) fn take(state: &mut Option<Value>) -> Self {
        let Some(both) = state.as_mut().and_then(Value::as_object_mut) else { return Self(None) };
        let Some(kept) = both.remove(MARK) else { return Self(None) };
        let own = both.remove("state").filter(|own| !own.is_null());
        *state = own;
        Self(Some(kept))
    }

    fn beside(place: Value, own: Option<&Value>) -> Value {
        let both = json!({ MARK: place, "state": own });
        // The strategy's own state is worth more than the place in a makeshift schedule.
        if both.to_string().len() <= MAX_STATE_BYTES { both } else { own.cloned().unwrap_or_default() }
    }
}

/// Writes a request as a plugin gets it: with the first page of each pool.
pub(super) fn document(request: &PlanRequest) -> Result<Vec<u8>, String> {
    let first_page = |pool: &Pool| Pool {
        key: pool.key.clone(),
        count: pool.items.len() as u64,
        items: pool.items.iter().take(POOL_PAGE_ITEMS).cloned().collect(),
    };
    let sent = PlanRequest {
        channel: request.channel.clone(),
        zone: request.zone.clone(),
        window: request.window,
        settings: request.settings.clone(),
        pools: request.pools.iter().map(first_page).collect(),
        state: request.state.clone(),
        seed: request.seed,
        aired: request.aired.clone(),
    };
    serde_json::to_vec(&sent).map_err(|error| format!("the request cannot be written: {error}"))
}

/// Reads an answer and checks it against the whole request.
pub(super) fn read(bytes: &[u8], request: &PlanRequest) -> Result<PlanAnswer, String> {
    let answer: PlanAnswer = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    answer.check(request).map_err(|fault| fault.to_string())?;
    Ok(answer)
}

/// Answers with the built-in copy of the shipped sequence, for hosts without the shipped library.
pub(super) fn built_in(request: &PlanRequest) -> Result<PlanAnswer, String> {
    let answer = Sequence.plan(request).map_err(|error| format!("the built-in sequence failed to {error}"))?;
    answer.check(request).map_err(|fault| format!("the built-in sequence failed to {fault}"))?;
    Ok(answer)
}

/// Answers instead of a strategy that failed. The sequence is known by heart, settings and state included.
pub(super) fn instead_of(strategy: &str, request: &PlanRequest, kept: Kept) -> PlanAnswer {
    let own = (strategy == Sequence::ID).then(|| built_in(request).ok()).flatten();
    own.unwrap_or_else(|| fall_back(request, kept))
}

/// Answers instead of any strategy; goes on where the last such answer stopped.
fn fall_back(request: &PlanRequest, kept: Kept) -> PlanAnswer {
    let mut answer = fallback::plan(request, kept.0);
    answer.state = Kept::beside(std::mem::take(&mut answer.state), request.state.as_ref());
    answer
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{
        MediaId, MediaKind,
        schedule::{PoolItem, PoolPageRequest, Window},
    };

    use super::{super::question::Queries, *};

    fn request(items: i64) -> PlanRequest {
        let item = |id| PoolItem {
            id: MediaId(id),
            duration_ms: 1_000,
            kind: MediaKind::Movie,
            title: format!("film {id:05}"),
            show: None,
            season: None,
            episode: None,
            position: None,
            chapters_ms: vec![],
        };
        PlanRequest {
            channel: "1".into(),
            zone: "UTC".into(),
            window: Window { start_ms: 0, stop_ms: 2_000 },
            settings: Value::Null,
            pools: vec![Pool::whole("slots", (0..items).map(item).collect())],
            state: Some(json!({"cursor": 7})),
            seed: 1,
            aired: vec![],
        }
    }

    #[test]
    fn a_plugin_gets_the_first_page_of_a_pool_and_its_count() {
        let sent: PlanRequest = serde_json::from_slice(&document(&request(2_500)).unwrap()).unwrap();
        assert_eq!((sent.pools[0].items.len(), sent.pools[0].count), (2_000, 2_500));
    }

    #[test]
    fn no_document_grows_with_the_pool_beyond_a_page() {
        let whole = request(100_000);
        let written = document(&whole).unwrap().len();
        assert!(written < 2 * document(&request(2_000)).unwrap().len(), "{written} bytes");
        let page = PoolPageRequest { pool: "slots".into(), offset: 2_000, limit: u32::MAX };
        let page = whole.answer("pool_page", &serde_json::to_vec(&page).unwrap()).unwrap().len();
        assert!(page < 2 * written, "a page of {page} bytes for a plugin that asks for everything");
        let all = serde_json::to_vec(&whole).unwrap().len();
        assert!(all > 40 * written, "the whole pool would be {all} bytes");
    }

    #[test]
    fn the_built_in_schedule_goes_on_from_window_to_window_and_gives_the_state_back() {
        let mut asked = request(5);
        let first = fall_back(&asked, Kept::default());
        first.check(&asked).unwrap();
        asked.state = Some(first.state);
        asked.window = Window { start_ms: 2_000, stop_ms: 4_000 };
        let kept = Kept::take(&mut asked.state);
        assert_eq!(asked.state, Some(json!({"cursor": 7})), "the strategy's own state is what it was");
        let second = fall_back(&asked, kept);
        let played: Vec<_> = first.entries.iter().chain(&second.entries).filter_map(|entry| entry.item).collect();
        assert_eq!(played, [0, 1, 2, 3].map(MediaId));
    }

    #[test]
    fn the_sequence_is_replaced_with_its_own_settings_and_state() {
        let mut asked = request(50);
        asked.state = None;
        asked.pools[0].key = exstreamtv_model::schedule::MAIN_POOL.into();
        asked.settings = json!({"order": {"by": "shuffle", "seed": 3}});
        let answer = instead_of(Sequence::ID, &asked, Kept::default());
        assert_eq!(answer, Sequence.plan(&asked).unwrap());
        let other = instead_of("org.example.other", &asked, Kept::default());
        assert_eq!(other.entries[0].item, Some(MediaId(0)), "whose settings nobody here understands");
    }

    #[test]
    fn a_state_without_a_mark_is_left_alone() {
        for state in [None, Some(Value::Null), Some(json!([1])), Some(json!({"state": 1}))] {
            let mut seen = state.clone();
            assert_eq!(Kept::take(&mut seen), Kept(None));
            assert_eq!(seen, state);
        }
    }

    #[test]
    fn a_large_state_is_kept_rather_than_the_place_in_the_built_in_schedule() {
        let mut asked = request(2);
        asked.state = Some(Value::String("x".repeat(MAX_STATE_BYTES - 10)));
        let answer = fall_back(&asked, Kept::default());
        assert_eq!(Some(answer.state), asked.state);
    }

    #[test]
    fn an_answer_that_breaks_the_contract_is_refused_with_the_reason() {
        let error = read(br#"{"entries": []}"#, &request(1)).unwrap_err();
        assert!(error.contains("without entries"), "{error}");
        assert!(read(b"\xff", &request(1)).is_err());
    }
}
