//! The machine's memory, for the healer.

use sysinfo::System;

/// Returns the share of memory that is free; of the group's where the system limits it.
pub(super) fn memory_free() -> Option<f64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let whole = |free: u64, total: u64| (total > 0).then(|| free as f64 / total as f64);
    let of_machine = whole(system.available_memory(), system.total_memory());
    let of_group = system.cgroup_limits().and_then(|limits| whole(limits.free_memory, limits.total_memory));
    match (of_machine, of_group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}
