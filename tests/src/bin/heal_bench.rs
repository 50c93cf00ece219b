//! `make heal-bench`: what the healer makes of every fault, and what a channel loses with and without it.
//!
//! Does: live through the catalogue one by one with the healer on, then through the same mixed faults with it on and off, and print tables.
//! Does not: fail; the tests of the healer do.
//! Invariant: with and without the healer the faults are the same, in the same order, for the same time.

use std::env;

use exstreamtv_tests::healing::{CATALOGUE, Healer, Report, Scene, mixed};

fn main() {
    let wanted = env::var("EXSTREAMTV_HEAL_FAULTS").unwrap_or_default();
    let minutes: f64 = env::var("EXSTREAMTV_HEAL_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(4.0);
    let mut report = Report::default();
    for fault in CATALOGUE.iter().filter(|fault| wanted.is_empty() || fault.name.contains(&wanted)) {
        eprintln!("{} …", fault.name);
        report.episodes.push(Scene::new(Healer::On).live(fault));
    }
    println!("{report}");
    println!("| healer | minutes | faults | programme lost s | faults that needed a person |");
    println!("|---|---|---|---|---|");
    for healer in [Healer::Off, Healer::On] {
        let loss = mixed(healer, minutes);
        println!("| {healer:?} | {minutes} | {} | {:.0} | {} |", loss.faults, loss.lost_s, loss.for_a_person);
    }
}
