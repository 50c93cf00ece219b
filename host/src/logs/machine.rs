//! Measures the machine from time to time.
//!
//! Does: read memory, swap, load, disk, heat and what the kernel has killed.
//! Does not: judge; that is `exstreamtv_healing::system`.
//! Invariant: what the system does not tell is left out; a disk that does not answer holds up nothing else.

use std::{path::PathBuf, sync::Arc, time::Duration};

use exstreamtv_healing::system::{Measured, SystemWatch};
use nix::sys::statvfs::statvfs;
use sysinfo::System;

use super::Intake;
use crate::{clock::Clock, lifecycle::Lifecycle};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(10);

/// Watches the machine, and the disk that holds `data`, until the host stops.
pub async fn watch(intake: Arc<Intake>, data: PathBuf, clock: Arc<dyn Clock>, life: Lifecycle) {
    let (mut watch, stopping) = (SystemWatch::default(), life.stopping());
    loop {
        let data = data.clone();
        let Ok(measured) = life.spawn_blocking(move || measure(&data)).await else { return };
        watch.look(clock.now(), &measured).into_iter().for_each(|draft| intake.say(draft));
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

fn measure(data: &std::path::Path) -> Measured {
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let mut measured = Measured {
        load_per_core: System::load_average().ok().map(|load| load.one / cores),
        temperature_c: hottest(),
        oom_kills: oom_kills(),
        ..Measured::default()
    };
    if let Ok(mut system) = System::new() {
        system.refresh_memory();
        measured.memory_free = share(system.available_memory(), system.total_memory());
        measured.swap_used = share(system.used_swap(), system.total_swap());
    }
    if let Ok(disk) = statvfs(data) {
        let (free, all) = (wide(disk.blocks_available()), wide(disk.blocks()));
        measured.disk_free = share(free, all);
        measured.disk_free_bytes = Some(free.saturating_mul(wide(disk.fragment_size())));
    }
    measured
}

/// Systems count blocks in numbers of different width.
fn wide(number: impl Into<u64>) -> u64 {
    number.into()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Linux tells in thousandths of a degree; elsewhere there is no such file.
fn hottest() -> Option<f64> {
    let zones = std::fs::read_dir("/sys/class/thermal").ok()?;
    let read =
        |zone: std::fs::DirEntry| std::fs::read_to_string(zone.path().join("temp")).ok()?.trim().parse::<f64>().ok();
    let degrees = zones.filter_map(|zone| read(zone.ok()?)).map(|thousandths| thousandths / 1_000.0);
    degrees.filter(|degrees| (0.0..150.0).contains(degrees)).reduce(f64::max)
}

fn oom_kills() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_of_itself() {
        let measured = measure(&std::env::temp_dir());
        assert!(measured.memory_free.is_some_and(|free| (0.0..=1.0).contains(&free)), "{measured:?}");
        assert!(measured.disk_free.is_some_and(|free| (0.0..=1.0).contains(&free)), "{measured:?}");
        assert!(measured.load_per_core.is_some_and(|load| load >= 0.0), "{measured:?}");
        assert!(measured.disk_free_bytes.is_some());
    }
}
