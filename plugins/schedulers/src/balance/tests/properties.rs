//! What holds for every schedule.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn a_source() -> impl Strategy<Value = BalanceSource> {
    let modes = prop::sample::select(vec![OrderMode::Ordered, OrderMode::Shuffle, OrderMode::Random]);
    (1_u32..50, prop::sample::select(vec![0_u32, 0, 20, 45, 200]), prop::option::of(1_u32..4), modes).prop_map(
        |(weight, cooldown_minutes, max_consecutive, order_mode)| BalanceSource {
            cooldown_minutes,
            max_consecutive,
            order_mode,
            ..source("any", weight)
        },
    )
}

fn a_schedule() -> impl Strategy<Value = BalanceSchedule> {
    let sources = prop::collection::vec(a_source(), 1..6);
    (sources, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(mut sources, plain, play_first, with_fallback)| {
            (0..).zip(&mut sources).for_each(|(number, source): (u32, _)| source.name = format!("source {number}"));
            BalanceSchedule {
                sources,
                fallback: fallback().filter(|_| with_fallback),
                mode: if plain { BalanceMode::WeightedRandom } else { BalanceMode::Balanced },
                all_resting: if play_first { AllResting::PlayFirst } else { AllResting::Wait },
            }
        },
    )
}

/// Items of many lengths, some in several sources, some sources empty.
fn some_pools(schedule: &BalanceSchedule, stock: &[(i64, i64)]) -> Vec<Pool> {
    let names =
        schedule.sources.iter().map(|source| &source.name).chain(schedule.fallback.iter().map(|source| &source.name));
    let numbered = (1_i64..).zip(names).zip(stock.iter().cycle());
    let pools = numbered.map(|((number, name), &(count, shared))| {
        let own = (0..count).map(|index| item(number * 1_000 + index, 7 + (number * 13 + index * 11) % 50));
        Pool::whole(name, own.chain((0..shared).map(|index| item(index + 1, 20))).collect())
    });
    pools.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_any_size_give_the_timeline_of_one_large_window(
        schedule in a_schedule(), stock in prop::collection::vec((0_i64..6, 0_i64..3), 4), seed in any::<u64>(), step in 1_i64..400,
    ) {
        let pools = some_pools(&schedule, &stock);
        // Where nothing has items, the slate ends with each window.
        prop_assume!(pools.iter().any(|pool| !pool.items.is_empty()));
        let request = PlanRequest { seed, ..request(&schedule, pools, 1_500) };
        let in_steps = plan_in_windows(&Balance, &request, step * MINUTE_MS).unwrap();
        prop_assert_eq!(plan(&request).entries, in_steps);
    }

    #[test]
    fn behind_a_cut_the_timeline_goes_on_as_it_was_planned(
        schedule in a_schedule(), stock in prop::collection::vec((0_i64..6, 0_i64..3), 4), seed in any::<u64>(), cut in 0_usize..100,
    ) {
        let pools = some_pools(&schedule, &stock);
        prop_assume!(pools.iter().any(|pool| !pool.items.is_empty()));
        let first = PlanRequest { seed, ..request(&schedule, pools, 300) };
        let second = following(&first, &plan(&first), 1_000);
        let whole = plan(&second);
        let kept = cut % whole.entries.len();
        let window = Window { start_ms: whole.entries[kept].start_ms, ..second.window };
        let again = plan(&PlanRequest { window, aired: whole.entries[..kept].to_vec(), ..second });
        prop_assert_eq!(&again.entries[..], &whole.entries[kept..]);
        prop_assert_eq!(again.state, whole.state);
    }

    #[test]
    fn nothing_plays_while_it_rests_unless_it_must(schedule in a_schedule(), stock in prop::collection::vec((1_i64..6, 0_i64..3), 4), seed in any::<u64>()) {
        let request = PlanRequest { seed, ..request(&schedule, some_pools(&schedule, &stock), 3_000) };
        let entries = plan(&request).entries;
        let free_ms = |source: &BalanceSource, at: usize| {
            let last = entries[..at].iter().rfind(|entry| entry.rule == source.name);
            last.map_or(i64::MIN, |last| last.stop_ms + i64::from(source.cooldown_minutes) * MINUTE_MS)
        };
        for (at, entry) in entries.iter().enumerate() {
            let all = schedule.sources.iter().map(|source| (source, free_ms(source, at)));
            let first_free_ms = all.clone().map(|(_, free_ms)| free_ms).min().unwrap();
            if let Some((source, free_ms)) = all.clone().find(|(source, _)| source.name == entry.rule) {
                let forced = schedule.fallback.is_none() && schedule.all_resting == AllResting::PlayFirst && free_ms == first_free_ms;
                prop_assert!(free_ms <= entry.start_ms || forced, "{} at {}", source.name, at);
            } else if entry.item.is_none() {
                prop_assert!(entry.start_ms < first_free_ms && schedule.fallback.is_none());
                prop_assert_eq!(entry.stop_ms, first_free_ms);
            }
        }
    }

    #[test]
    fn whoever_is_available_gets_its_share_of_any_hundred_picks(
        sources in prop::collection::vec((1_u32..50, prop::sample::select(vec![0_u32, 0, 30, 90])), 2..7), seed in any::<u64>(),
    ) {
        let named = |(number, (weight, cooldown_minutes))| BalanceSource { cooldown_minutes, ..source(&format!("source {number}"), weight) };
        let schedule = schedule(sources.into_iter().enumerate().map(named).collect());
        let answer = plan(&PlanRequest { seed, ..request(&schedule, stocked(&schedule), 300 * 30) });
        // Each pick owes a share to those alone that may be chosen.
        let mut free_ms = vec![i64::MIN; schedule.sources.len()];
        let mut surplus: Vec<Vec<f64>> = vec![vec![0.0]; schedule.sources.len()];
        for entry in answer.entries.iter().filter(|entry| entry.item.is_some()) {
            let weight = |(source, free_ms): (&BalanceSource, &i64)| f64::from(if *free_ms <= entry.start_ms { source.weight } else { 0 });
            let weights: Vec<_> = schedule.sources.iter().zip(&free_ms).map(weight).collect();
            for (number, source) in schedule.sources.iter().enumerate() {
                let (is_this, so_far) = (f64::from(u8::from(entry.rule == source.name)), *surplus[number].last().unwrap());
                surplus[number].push(so_far + is_this - weights[number] / weights.iter().sum::<f64>());
                if entry.rule == source.name {
                    free_ms[number] = entry.stop_ms + i64::from(source.cooldown_minutes) * MINUTE_MS;
                }
            }
        }
        for (source, surplus) in schedule.sources.iter().zip(&surplus) {
            for stretch in surplus.windows(101) {
                prop_assert!((stretch[100] - stretch[0]).abs() <= 2.0, "{}: {} too many", source.name, stretch[100] - stretch[0]);
            }
        }
    }

    #[test]
    fn any_state_is_survived(text in "\\PC{0,30}", credit in any::<i64>(), number in any::<i64>(), run in any::<u32>()) {
        let source = json!({ "credit": credit, "stopped_ms": number, "cursor": { "mode": "ordered", "name": text, "id": number.to_string() } });
        let last = json!({ "source": "movies", "item": number.to_string(), "run": run });
        let rota = json!({ "picks": number.unsigned_abs(), "sources": { "movies": source, "shows": source, "x": source }, "last": last });
        for state in [json!(text), json!({ "version": 1, "rota": rota }), json!({ "version": 2, "rota": rota })] {
            plan(&PlanRequest { state: Some(state), ..request(&spec(), stocked(&spec()), 300) });
        }
    }
}
