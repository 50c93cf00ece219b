//! Folders that look like the kernel's, and the kernel's own where this machine lets us.

use std::process::{Child, Command};

use super::*;

const LIMITS: GroupLimits = GroupLimits { memory_bytes: 1 << 30, cpu_weight: 50, pids: 512 };
const NOTHING: GroupLimits = GroupLimits { memory_bytes: 0, cpu_weight: 100, pids: 0 };

/// A folder as the kernel shows a group of ours, with only `processes` in it.
fn group(controllers: &str, processes: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [("cgroup.controllers", controllers), ("cgroup.procs", processes), ("cgroup.events", "")] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn said(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn each_worker_gets_a_group_with_the_limits() {
    let own = group("cpuset cpu io memory pids\n", "77\n");
    let groups = Groups::claim_at(own.path(), LIMITS, 77).unwrap();
    assert_eq!(said(own.path(), "cgroup.subtree_control"), "+memory +cpu +pids");
    assert_eq!(said(own.path(), "host/cgroup.procs"), "77", "a group that has groups may hold no process");
    let worker = groups.put(4711).unwrap();
    let folder = own.path().join("worker-4711");
    for (file, text) in [("memory.max", "1073741824"), ("cpu.weight", "50"), ("pids.max", "512")] {
        assert_eq!(said(&folder, file), text);
    }
    assert_eq!(said(&folder, "cgroup.procs"), "4711");
    // The kernel's files go with their folder; these have to be taken out.
    fs::read_dir(&folder).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    drop(worker);
    assert!(!folder.exists());
}

#[test]
fn only_what_is_limited_is_asked_for() {
    let own = group("cpu\n", "77\n");
    let groups = Groups::claim_at(own.path(), GroupLimits { cpu_weight: 50, ..NOTHING }, 77).unwrap();
    groups.put(1).unwrap();
    assert_eq!(said(own.path(), "cgroup.subtree_control"), "+cpu");
    assert!(!own.path().join("worker-1/memory.max").exists());
    assert!(Groups::claim(NOTHING).is_none(), "nothing to limit, nothing to touch");
}

#[test]
fn a_group_that_is_not_ours_alone_is_left_as_it_is() {
    let fault = |own: &Path| Groups::claim_at(own, LIMITS, 77).unwrap_err();
    let shared = group("cpu memory pids\n", "77\n78\n");
    assert!(matches!(fault(shared.path()), ClaimError::Shared));
    let poor = group("cpu pids\n", "77\n");
    assert!(matches!(fault(poor.path()), ClaimError::Missing { controller } if controller == "memory"));
    let root = group("cpu memory pids\n", "77\n");
    fs::remove_file(root.path().join("cgroup.events")).unwrap();
    assert!(matches!(fault(root.path()), ClaimError::Root));
    assert!(matches!(fault(Path::new("/nowhere")), ClaimError::Read(_)));
    for own in [&shared, &poor, &root] {
        assert!(!own.path().join("host").exists() && !own.path().join("cgroup.subtree_control").exists());
    }
}

#[test]
fn a_system_that_refuses_the_controllers_is_put_back_as_it_was() {
    let own = group("cpu memory pids\n", "77\n");
    fs::create_dir(own.path().join("cgroup.subtree_control")).unwrap(); // cannot be written
    assert!(matches!(Groups::claim_at(own.path(), LIMITS, 77), Err(ClaimError::Refused(_))));
    assert_eq!(said(own.path(), "cgroup.procs"), "77");
}

#[test]
fn what_an_earlier_host_left_is_swept() {
    let own = group("cpu memory pids\n", "");
    fs::create_dir(own.path().join("worker-1")).unwrap();
    fs::create_dir(own.path().join("somebody-elses")).unwrap();
    Groups::claim_at(own.path(), LIMITS, 77).unwrap();
    assert!(!own.path().join("worker-1").exists() && own.path().join("somebody-elses").exists());
}

#[test]
fn our_group_is_found_wherever_the_hierarchy_is_mounted() {
    let usual = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    let mixed = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                 32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let bound = "33 23 0:29 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    let own = |cgroup: &str, mounts: &str| own_group(cgroup, mounts).map(|path| path.display().to_string());
    let service = "0::/system.slice/exstreamtv.service\n";
    assert_eq!(own(service, usual).as_deref(), Some("/sys/fs/cgroup/system.slice/exstreamtv.service"));
    assert_eq!(own("4:memory:/x\n0::/a\n", mixed).as_deref(), Some("/sys/fs/cgroup/unified/a"));
    assert_eq!(own("0::/\n", usual).as_deref(), Some("/sys/fs/cgroup"));
    assert_eq!(own("0::/docker/abc\n", bound).as_deref(), Some("/sys/fs/cgroup"));
    assert_eq!(own("0::/../other\n", usual), None);
    assert_eq!(own("4:memory:/x\n", usual), None, "an old system");
    assert_eq!(own(service, ""), None);
}

/// Kills a process that a test started.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn the_kernel_takes_a_worker_in_and_lets_its_group_go() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let Some(here) = own_group(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo")) else { return };
    let own = here.join(format!("exstreamtv-test-{}", std::process::id()));
    if fs::create_dir(&own).is_err() {
        return; // not delegated to whoever runs the tests
    }
    let groups = Groups { own: own.as_path().into(), limits: NOTHING };
    let mut child = Started(Command::new("sleep").arg("1000").spawn().unwrap());
    let pid = child.0.id();
    let group = groups.put(pid).unwrap();
    let within = read(&format!("/proc/{pid}/cgroup"));
    assert!(
        within.lines().any(|line| line.starts_with("0::") && line.ends_with(&format!("/worker-{pid}"))),
        "{within}"
    );
    // Removing it kills what is in it; a killed process leaves its group when it is reaped.
    if !own.join("cgroup.kill").exists() {
        child.0.kill().unwrap(); // an older kernel
    }
    let _ = group.remove();
    let ended = child.0.wait().unwrap();
    assert!(!ended.success());
    assert!(group.remove());
    drop(group);
    fs::remove_dir(&own).unwrap();
}
