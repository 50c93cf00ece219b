//! What each test starts from: folders, libraries built from C, requests.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use exstreamtv::{
    clock::SystemClock,
    config::Isolation,
    lifecycle::Lifecycle,
    plugins::{Choice, Options, PluginView, Strategies},
};
use exstreamtv_model::{
    MediaId, MediaKind,
    schedule::{MAIN_POOL, PlanRequest, Pool, PoolItem, PrepareRequest, Window},
};

/// The program under test, which is also the process of a plugin.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_exstreamtv");

/// A folder with plugins, a data folder, and a program beside which lies no shipped library.
pub struct Stage {
    folder: tempfile::TempDir,
    /// Where plugins run.
    pub isolation: Isolation,
    /// Whether plugins are left alone.
    pub safe_mode: bool,
}

impl Stage {
    /// Sets the stage with these plugins of `host/loader/tests/bad`.
    pub fn with(names: &[&str]) -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), isolation: Isolation::Auto, safe_mode: false };
        std::fs::create_dir(stage.plugins()).unwrap();
        std::fs::create_dir(stage.data()).unwrap();
        // The shipped library lies beside the real program; beside this name of it there is nothing.
        std::os::unix::fs::symlink(PROGRAM, stage.folder.path().join("exstreamtv")).unwrap();
        for name in names {
            build(name, &stage.plugins());
        }
        stage
    }

    /// Lets all plugins run there.
    pub fn isolated(self, isolation: Isolation) -> Self {
        Self { isolation, ..self }
    }

    /// Where the plugins are.
    pub fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A host's strategies.
    pub async fn strategies(&self) -> Strategies {
        let options = Options {
            flags: vec![self.plugins()],
            variable: None,
            paths: vec![],
            isolation: self.isolation,
            safe_mode: self.safe_mode,
            data: Some(self.data()),
            serving: true,
            program: self.folder.path().join("exstreamtv"),
        };
        Strategies::start(options, Choice::default(), Arc::new(SystemClock), &Lifecycle::default()).await
    }
}

/// Builds a library from C.
pub fn build(name: &str, folder: &Path) -> PathBuf {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = folder.join(format!("lib{name}.so"));
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-shared", "-fPIC", "-I"]).arg(host.join("../plugins/api/include"));
    cc.arg(host.join(format!("loader/tests/bad/{name}.c"))).arg("-o").arg(&library);
    assert!(cc.status().unwrap().success(), "{name}.c does not build");
    library
}

/// Builds the library of the shipped strategies, and returns it.
pub fn shipped() -> PathBuf {
    let folder = Path::new(PROGRAM).parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--offline", "-p", "exstreamtv-shipped", "--target-dir"])
        .arg(folder.parent().unwrap());
    if folder.file_name().is_some_and(|profile| profile == "release") {
        cargo.arg("--release");
    }
    assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    let library = ["so", "dylib"].map(|extension| folder.join("libexstreamtv_shipped").with_extension(extension));
    library.into_iter().find(|path| path.is_file()).unwrap()
}

/// The plugin of this id.
pub fn view(strategies: &Strategies, id: &str) -> PluginView {
    strategies.list().into_iter().find(|plugin| plugin.id == id).unwrap()
}

/// A question without settings.
pub fn nothing_set() -> PrepareRequest {
    PrepareRequest { zone: "UTC".into(), settings: serde_json::Value::Null }
}

/// Asks for ten seconds from a pool of films of one second each.
pub fn ten_seconds(films: i64) -> PlanRequest {
    let film = |id| PoolItem {
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
        window: Window { start_ms: 0, stop_ms: 10_000 },
        settings: serde_json::Value::Null,
        pools: vec![Pool::whole(MAIN_POOL, (0..films).map(film).collect())],
        state: None,
        seed: 1,
        aired: vec![],
    }
}
