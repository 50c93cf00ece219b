//! Tests of the downmix plans.

use exstreamtv_model::pick::CHANNEL_NAMES;
use proptest::prelude::*;

use super::{layouts::LAYOUTS, *};

/// Returns the factor of an input in an output, before everything was scaled.
fn factor(plan: &Downmix, input: &str, output: &str) -> f64 {
    let row = plan.rows.iter().find(|row| row.channel == output).unwrap();
    row.gains.iter().find(|gain| gain.from == input).map_or(0.0, |gain| gain.gain)
}

fn of(layout: &str, output_channels: u8, lfe: LfePolicy) -> Downmix {
    let channels = LAYOUTS.iter().find(|known| known.name == layout).unwrap().channels.len();
    plan(Some(layout), u8::try_from(channels).unwrap(), output_channels, lfe).unwrap()
}

/// Every factor relative to that of the front left channel, as the recommendation states them.
fn assert_ratios(plan: &Downmix, output: &str, stated: &[(&str, f64)]) {
    let scale = factor(plan, stated[0].0, output) / stated[0].1;
    let inputs = plan.rows.iter().find(|row| row.channel == output).unwrap().gains.len();
    assert_eq!(inputs, stated.len(), "{plan:?}");
    for (input, ratio) in stated {
        let found = factor(plan, input, output) / scale;
        assert!((found - ratio).abs() < 1e-4, "{input} in {output} of {}: {found} for {ratio}", plan.from);
    }
}

#[test]
fn surround_becomes_stereo_by_bs_775() {
    for (layout, left, right) in [("5.1", "BL", "BR"), ("5.1(side)", "SL", "SR"), ("5.0", "BL", "BR")] {
        let plan = of(layout, 2, LfePolicy::Drop);
        assert_ratios(&plan, "FL", &[("FL", 1.0), ("FC", M3DB), (left, M3DB)]);
        assert_ratios(&plan, "FR", &[("FR", 1.0), ("FC", M3DB), (right, M3DB)]);
        assert!((factor(&plan, "FL", "FL") - 0.414_213).abs() < 1e-6, "1 / (1 + 2 × 0.7071)");
    }
}

#[test]
fn the_low_frequency_channel_is_left_out_or_mixed_in_at_three_decibels_less() {
    assert_eq!(factor(&of("5.1", 2, LfePolicy::Drop), "LFE", "FL"), 0.0);
    assert_ratios(&of("5.1", 2, LfePolicy::Mix), "FL", &[("FL", 1.0), ("FC", M3DB), ("BL", M3DB), ("LFE", M3DB)]);
    assert_ratios(&of("2.1", 2, LfePolicy::Drop), "FL", &[("FL", 1.0)]);
    assert_ratios(&of("2.1", 2, LfePolicy::Mix), "FR", &[("FR", 1.0), ("LFE", M3DB)]);
    // An output that has the channel keeps it.
    assert!(factor(&of("7.1", 6, LfePolicy::Drop), "LFE", "LFE") > 0.0);
}

#[test]
fn eight_channels_become_six_and_two() {
    let six = of("7.1", 6, LfePolicy::Drop);
    assert_eq!(
        six.rows.iter().map(|row| row.channel.as_str()).collect::<Vec<_>>(),
        ["FL", "FR", "FC", "LFE", "BL", "BR"]
    );
    assert_ratios(&six, "BL", &[("BL", M3DB), ("SL", M3DB)]);
    // One factor for all rows: the fronts are scaled like the surrounds.
    assert!((factor(&six, "FL", "FL") - M3DB).abs() < 1e-5 && (factor(&six, "SR", "BR") - 0.5).abs() < 1e-5);
    assert_ratios(&of("7.1", 2, LfePolicy::Drop), "FL", &[("FL", 1.0), ("FC", M3DB), ("SL", 0.5), ("BL", 0.5)]);
    assert_ratios(&of("7.1(wide)", 6, LfePolicy::Drop), "FL", &[("FL", 1.0), ("FLC", M3DB)]);
}

#[test]
fn the_rest_of_the_table_is_as_stated() {
    assert_ratios(&of("quad", 2, LfePolicy::Drop), "FL", &[("FL", 1.0), ("BL", M3DB)]);
    assert_ratios(&of("4.0", 2, LfePolicy::Drop), "FL", &[("FL", 1.0), ("FC", M3DB), ("BC", 0.5)]);
    assert_ratios(&of("3.0", 2, LfePolicy::Drop), "FR", &[("FR", 1.0), ("FC", M3DB)]);
    assert_ratios(&of("6.1", 6, LfePolicy::Drop), "BL", &[("SL", 1.0), ("BC", M3DB)]);
    assert_ratios(&of("stereo", 1, LfePolicy::Drop), "FC", &[("FL", M3DB), ("FR", M3DB)]);
    assert!((factor(&of("stereo", 1, LfePolicy::Drop), "FL", "FC") - 0.5).abs() < 1e-6);
    let mono = [("FL", M3DB), ("FR", M3DB), ("FC", 1.0), ("BL", 0.5), ("BR", 0.5)];
    assert_ratios(&of("5.1", 1, LfePolicy::Drop), "FC", &mono);
    assert_ratios(&of("4.0", 1, LfePolicy::Drop), "FC", &[("FL", M3DB), ("FR", M3DB), ("FC", 1.0), ("BC", M3DB)]);
    assert_ratios(&of("mono", 2, LfePolicy::Drop), "FL", &[("FC", 1.0)]);
    assert_eq!(factor(&of("mono", 2, LfePolicy::Drop), "FC", "FR"), 1.0);
    let up = of("mono", 6, LfePolicy::Drop);
    assert_eq!((factor(&up, "FC", "FC"), factor(&up, "FC", "FL")), (1.0, 0.0));
}

#[test]
fn the_same_channels_and_unknown_layouts_are_left_alone() {
    for (layout, channels, output) in [
        (Some("stereo"), 2, 2),
        (None, 2, 2),
        (Some("2 channels"), 2, 2),
        (Some("mono"), 1, 1),
        (Some("5.1"), 6, 6),
        (Some("5.1(side)"), 6, 6),
        (Some("downmix"), 2, 2),
        (Some("5.1.4"), 10, 2),
        (Some("22.2"), 24, 2),
        (Some("7 channels"), 7, 2),
        (None, 6, 2),
        (Some("5.1"), 2, 2),
        (Some("5.1"), 6, 4),
        (None, 0, 2),
    ] {
        assert_eq!(plan(layout, channels, output, LfePolicy::Mix), None, "{layout:?} {channels} to {output}");
    }
    assert_eq!(plan(None, 1, 2, LfePolicy::Drop).unwrap().from, "mono");
}

proptest! {
    #[test]
    fn nothing_ever_clips_and_nothing_but_the_low_frequencies_is_lost(
        layout in prop::sample::select(LAYOUTS.iter().map(|layout| layout.name).collect::<Vec<_>>()),
        output in prop::sample::select(vec![1_u8, 2, 6]),
        mix in any::<bool>(),
    ) {
        let known = LAYOUTS.iter().find(|known| known.name == layout).unwrap();
        let lfe = if mix { LfePolicy::Mix } else { LfePolicy::Drop };
        let Some(plan) = plan(Some(layout), known.channels.len() as u8, output, lfe) else { return Ok(()) };
        prop_assert_eq!(plan.check(), Ok(()));
        prop_assert_eq!(plan.rows.len(), usize::from(output));
        for row in &plan.rows {
            prop_assert!(row.gains.iter().map(|gain| gain.gain).sum::<f64>() <= 1.0);
            prop_assert!(!row.gains.is_empty() && row.gains.iter().all(|gain| gain.gain >= 0.0));
        }
        for input in known.channels.iter().filter(|input| mix || output == 6 || **input != "LFE") {
            prop_assert!(plan.rows.iter().any(|row| factor(&plan, input, &row.channel) > 0.0), "{} is lost", input);
        }
    }

    #[test]
    fn no_layout_makes_it_panic(layout in "\\PC{0,12}", channels in any::<u8>(), output in any::<u8>()) {
        prop_assert!(plan(Some(&layout), channels, output, LfePolicy::Mix).is_none_or(|plan| plan.check().is_ok()));
    }

    #[test]
    fn every_channel_has_a_name_that_the_host_knows(at in 0..LAYOUTS.len()) {
        prop_assert!(LAYOUTS[at].channels.iter().all(|channel| CHANNEL_NAMES.contains(channel)));
    }
}
