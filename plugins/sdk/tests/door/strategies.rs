//! Strategies with one oddity each, exported as an author would.

use std::{cell::Cell, panic::panic_any, thread};

use exstreamtv_plugin_sdk::{
    EntryKind, Host, LogLevel, PickError, Picker, PlanError, ProposeError, Resolver, Scheduler, StartError,
    export_plugins,
    incident::{ProposeAnswer, ProposeRequest},
    pick::{AudioAnswer, AudioRequest},
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, PoolPageRequest, SettingsFault},
    serde_json::json,
};
use serde::Deserialize;

export_plugins! {
    scheduler { id: "test.counter", name: "Counter", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Counter));
    scheduler { id: "test.moody", name: "Moody", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Moody));
    picker { id: "test.ear", name: "Ear", vendor: "EXStreamTV" } => |_start| Ok(Box::new(Ear));
    resolver { id: "test.patience", name: "Patience", vendor: "EXStreamTV", version: "9.8.7", url: "" } => |start| {
        let config: PatienceConfig = start.config()?;
        match config.greeting.as_str() {
            "panic" => panic!("no greeting"),
            "" => Err(StartError::BadConfig { reason: "a greeting is wanted".into() }),
            greeting => Ok(Box::new(Patience { host: start.host, greeting: greeting.to_owned() })),
        }
    };
}

/// Shows the slate and counts what it could have played.
struct Counter;

impl Scheduler for Counter {
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let window = request.window;
        if window.stop_ms <= window.start_ms {
            return Err(PlanError::BadWindow { start_ms: window.start_ms, stop_ms: window.stop_ms });
        }
        let entry = PlanEntry {
            item: None,
            start_ms: window.start_ms,
            stop_ms: window.stop_ms,
            in_point_ms: 0,
            kind: EntryKind::Slate,
            rule: String::new(),
            why: String::new(),
        };
        let pool = request.pool(MAIN_POOL);
        let state = json!({ "items": pool.len(), "last": pool.last().map(|item| item.id) });
        Ok(PlanAnswer { entries: vec![entry], state, notes: Vec::new() })
    }
}

thread_local! {
    /// How many moody schedulers this thread has dropped.
    pub static DROPPED: Cell<u32> = const { Cell::new(0) };
}

/// Fails in the way that its settings say.
struct Moody;

impl Scheduler for Moody {
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        match request.settings.as_str().unwrap_or_default() {
            "empty" => Err(PlanError::EmptyPool),
            "late" => Err(PlanError::Late),
            "settings" => {
                let message = "\"25:00\" is no time of day,\ntwo lines".to_owned();
                Err(PlanError::BadSettings { fault: SettingsFault { path: "slots[2].start_time".into(), message } })
            }
            "panic with a constant" => panic!("constant"),
            "panic with a bomb" => panic_any(Bomb),
            _ => panic!("index out of bounds: {}", "seven"),
        }
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
        panic!("not even this works");
    }
}

/// A panic's payload that panics itself.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bang");
    }
}

/// Hears nothing, and knows nothing of subtitles.
struct Ear;

impl Picker for Ear {
    fn pick_audio(&self, _: &AudioRequest) -> Result<AudioAnswer, PickError> {
        Ok(AudioAnswer { chosen: None, why: "silence is golden".into(), ranked: Vec::new(), downmix: None })
    }
}

#[derive(Deserialize)]
struct PatienceConfig {
    greeting: String,
}

impl Default for PatienceConfig {
    fn default() -> Self {
        Self { greeting: "good day".into() }
    }
}

/// Greets its host, and asks it on the right and on the wrong thread.
struct Patience {
    host: Host,
    greeting: String,
}

impl Resolver for Patience {
    fn propose(&self, _: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
        self.host.log(LogLevel::INFO, &self.greeting);
        let page = PoolPageRequest { pool: MAIN_POOL.into(), offset: 0, limit: 10 };
        let here = self.host.pool_page(&page).map(|page| format!("{} items on this thread", page.items.len()));
        let there = thread::scope(|scope| scope.spawn(|| self.host.pool_page(&page)).join());
        let there = match there {
            Ok(Err(error)) => error.to_string(),
            other => format!("{other:?}"),
        };
        let notes = vec![here.unwrap_or_else(|error| error.to_string()), there];
        Ok(ProposeAnswer { proposals: Vec::new(), notes })
    }
}
