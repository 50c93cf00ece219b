//! `make bench`: the numbers of design.md §8 as ratios against the named thing in the same run.
//!
//! Does: run each measurement and print one table in Markdown, ready for ARCHITECTURE.md.
//! Does not: fail on a slow machine; numbers are for people.
//! Invariant: both sides of a ratio are measured on this machine, in this run, with the same media.

use exstreamtv_tests::bench::{Table, database, fan_out, fault, lineup, scan, tune};

/// One measurement and the word that asks for it.
type Part = (&'static str, fn(&mut Table));

fn main() {
    let only: Vec<_> = std::env::args().skip(1).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| word == name);
    let parts: [Part; 7] = [
        ("tune", tune::measure),
        ("hardship", tune::measure_hardship),
        ("fan-out", fan_out::measure),
        ("fault", fault::measure),
        ("scan", scan::measure),
        ("lineup", lineup::measure),
        ("database", database::measure),
    ];
    let mut table = Table::default();
    for (name, measure) in parts.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("measuring {name} …");
        measure(&mut table);
    }
    println!("{table}");
}
