//! A strategy at work.
//!
//! Does: make an instance, call it, and turn what comes back into results.
//! Does not: end a call that takes too long; nobody can end a thread of somebody else's.
//! Invariant: one call at a time, because a call needs the instance mutably; it is destroyed once, after the last call.

use std::{ptr::NonNull, sync::Arc, time::Duration};

use exstreamtv_plugin_api::{self as api, Slice, Status};

use crate::{EntryFault, HostCalls, PluginFile, host_table::HostTable, sink::Sink};

/// Most bytes of a text about an error.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Why there is no instance; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The library does not have it.
    #[error("make an instance of {id}: the library does not know it")]
    UnknownId {
        /// What was asked for.
        id: String,
    },
    /// It does not like its configuration.
    #[error("make an instance of {id}: its configuration is wrong: {text}")]
    BadConfig {
        /// Which plugin.
        id: String,
        /// What it says.
        text: String,
    },
    /// It gave up.
    #[error("make an instance of {id}: it ended with {status}: {text}")]
    Failed {
        /// Which plugin.
        id: String,
        /// How.
        status: &'static str,
        /// What it says.
        text: String,
    },
    /// It says that it succeeded, and did not.
    #[error("make an instance of {id}: it says that it made one and returns NULL")]
    Nothing {
        /// Which plugin.
        id: String,
    },
    /// What it made cannot be used.
    #[error("use the instance of {id}")]
    Instance {
        /// Which plugin.
        id: String,
        /// Why.
        #[source]
        source: EntryFault,
    },
}

/// Why a call has no answer; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It does not know the method.
    #[error("answer: it does not know this method ({text})")]
    UnknownMethod {
        /// What it says.
        text: String,
    },
    /// It cannot read the request.
    #[error("read the request: {text}")]
    BadInput {
        /// What it says.
        text: String,
    },
    /// It read the request and has no answer.
    #[error("answer: {text}")]
    Failed {
        /// What it says.
        text: String,
    },
    /// It saw that it would be late.
    #[error("answer in time: {text}")]
    Timeout {
        /// What it says.
        text: String,
    },
    /// It has a bug and noticed; the instance must not be used any more.
    #[error("answer: it panicked: {text}")]
    Panic {
        /// What it says.
        text: String,
    },
    /// Its answer is longer than is read.
    #[error("answer in at most {max_bytes} bytes")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
}

/// An instance of a plugin.
pub struct Instance {
    foreign: NonNull<api::Instance>,
    call: api::CallFn,
    get_extension: Option<api::InstanceGetExtensionFn>,
    destroy: api::DestroyFn,
    /// Dropped after `destroy` has run, because the plugin may use it until then.
    _host: HostTable,
}

// SAFETY: the header lets calls of one instance come from different threads, one after the other, and `&mut self` sees to the order.
#[expect(unsafe_code, reason = "the plugin interface promises what the compiler cannot see")]
unsafe impl Send for Instance {}

impl PluginFile {
    /// Makes an instance of the plugin `id`. An empty configuration is none.
    ///
    /// # Errors
    /// If the plugin refuses, or makes something that cannot be used.
    #[expect(unsafe_code, reason = "calls into a library")]
    pub fn create(&self, id: &str, config_json: &[u8], calls: Arc<dyn HostCalls>) -> Result<Instance, CreateError> {
        let host = HostTable::new(calls);
        let mut made: *mut api::Instance = std::ptr::null_mut();
        let mut sink = Sink::new(MAX_ERROR_BYTES);
        let create = self.create_function();
        let status = sink.collect(|out| {
            // SAFETY: the function belongs to a library that stays loaded. The host table outlives the instance, the rest this call.
            unsafe { create(host.as_ptr(), Slice::of_text(id), Slice::of(config_json), out, &raw mut made) }
        });
        let (id, text) = (id.to_owned(), sink.into_text());
        match status {
            Status::OK => {}
            Status::UNKNOWN_ID => return Err(CreateError::UnknownId { id }),
            Status::BAD_INPUT => return Err(CreateError::BadConfig { id, text }),
            other => return Err(CreateError::Failed { id, status: other.meaning(), text }),
        }
        let Some(foreign) = NonNull::new(made) else { return Err(CreateError::Nothing { id }) };
        // SAFETY: the plugin says that it made an instance, and it is not NULL.
        unsafe { Instance::check(foreign, host) }.map_err(|source| CreateError::Instance { id, source })
    }
}

impl Instance {
    /// Takes over what a plugin made. What cannot be used is left alone: it cannot be destroyed either.
    ///
    /// # Safety
    /// `foreign` must be an instance that `create` has just made with this host table.
    #[expect(unsafe_code, reason = "follows the pointer of a library")]
    unsafe fn check(foreign: NonNull<api::Instance>, host: HostTable) -> Result<Self, EntryFault> {
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { (&raw const (*foreign.as_ptr()).struct_size).read() };
        EntryFault::check_size("instance", size, size_of::<api::Instance>())?;
        // SAFETY: the size says that all members are there.
        let seen = unsafe { foreign.as_ptr().read() };
        let call = seen.call.ok_or(EntryFault::Function { name: "call" })?;
        let destroy = seen.destroy.ok_or(EntryFault::Function { name: "destroy" })?;
        Ok(Self { foreign, call, get_extension: seen.get_extension, destroy, _host: host })
    }

    /// Puts a request to the instance and waits for its end, however long that takes; `deadline` is only told to it.
    ///
    /// # Errors
    /// If it does not answer, or with more than `max_output_bytes`.
    #[expect(unsafe_code, reason = "calls into a library")]
    pub fn call(
        &mut self,
        method: &str,
        input: &[u8],
        deadline: Duration,
        max_output_bytes: usize,
    ) -> Result<Vec<u8>, CallError> {
        // 0 would mean that there is no limit.
        let deadline_ns = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mut sink = Sink::new(max_output_bytes);
        let (this, call) = (self.foreign.as_ptr(), self.call);
        let status = sink.collect(|out| {
            // SAFETY: the instance is alive until `drop`, `&mut self` makes this the only call, and all slices live longer than it.
            unsafe { call(this, Slice::of_text(method), Slice::of(input), deadline_ns, out) }
        });
        let refused = sink.refused();
        match status {
            Status::OK if !refused => Ok(sink.into_bytes()),
            Status::OK | Status::SINK_REFUSED => Err(CallError::TooLong { max_bytes: max_output_bytes }),
            Status::UNKNOWN_METHOD => Err(CallError::UnknownMethod { text: sink.into_text() }),
            Status::BAD_INPUT => Err(CallError::BadInput { text: sink.into_text() }),
            Status::TIMEOUT => Err(CallError::Timeout { text: sink.into_text() }),
            Status::PANIC => Err(CallError::Panic { text: sink.into_text() }),
            Status::FAILED => Err(CallError::Failed { text: sink.into_text() }),
            // UNKNOWN_ID makes no sense here, and other numbers have no meaning at all.
            other => Err(CallError::Failed { text: format!("it ended with {other}: {}", sink.into_text()) }),
        }
    }

    /// Returns whether the instance has an extension of this id.
    #[expect(unsafe_code, reason = "calls into a library")]
    pub fn has_extension(&mut self, id: &str) -> bool {
        let Some(get_extension) = self.get_extension else { return false };
        // SAFETY: the instance is alive, and this is the only call. The result is only compared with NULL.
        !unsafe { get_extension(self.foreign.as_ptr(), Slice::of_text(id)) }.is_null()
    }
}

impl Drop for Instance {
    #[expect(unsafe_code, reason = "calls into a library")]
    fn drop(&mut self) {
        // SAFETY: alive until now, used by nobody else, and not used again. The host table is dropped after this.
        unsafe { (self.destroy)(self.foreign.as_ptr()) };
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}
