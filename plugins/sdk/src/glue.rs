//! The functions behind the C interface.
//!
//! Does: turn foreign pointers into documents and back, and stop panics.
//! Does not: decide; `answer` finds the method and the strategy does the rest.
//! Invariant: nothing unwinds out of an `extern "C"` function here, whatever the strategy does and whatever the input is.
//!
//! Every SAFETY line below rests on the header: what it promises about ownership and threads is what the host must keep.

#![expect(unsafe_code, reason = "this is the boundary that the SDK exists to hide")]

use std::{
    any::Any,
    ffi::c_void,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
};

use exstreamtv_plugin_api as api;
use exstreamtv_plugin_api::{Descriptor, Entry, Instance, LogLevel, Sink, Slice, Status};
use serde_json::Value;

use crate::{
    Export, Host, Library, Start, StartError,
    answer::{CallError, Failure, Strategy},
    export::Maker,
};

mod link;
pub(crate) mod loopback;
mod sink;

pub(crate) use link::Link;
use sink::append;

/// Returns the constant that a library's exported function points to.
pub(crate) const fn entry<L: Library>() -> Entry {
    Entry {
        magic: api::MAGIC,
        struct_size: size_of::<Entry>() as u32,
        abi_major: api::ABI_MAJOR,
        abi_minor: api::ABI_MINOR,
        count: Some(count::<L>),
        describe: Some(describe::<L>),
        create: Some(create::<L>),
    }
}

extern "C" fn count<L: Library>() -> u32 {
    u32::try_from(L::EXPORTS.len()).unwrap_or(u32::MAX)
}

extern "C" fn describe<L: Library>(index: u32) -> *const Descriptor {
    let export = usize::try_from(index).ok().and_then(|index| L::EXPORTS.get(index));
    export.map_or(ptr::null(), |export| &raw const export.descriptor)
}

/// An instance and what hangs on it. The host sees its first member only.
#[repr(C)]
struct Running {
    instance: Instance,
    strategy: Strategy,
    link: Arc<Link>,
}

unsafe extern "C" fn create<L: Library>(
    host: *const api::Host,
    id: Slice,
    config: Slice,
    error: *const Sink,
    instance: *mut *mut Instance,
) -> Status {
    if instance.is_null() {
        return Status::FAILED;
    }
    // SAFETY: not NULL, so it is a place for the result, borrowed for this call.
    unsafe { *instance = ptr::null_mut() };
    // SAFETY: borrowed for this call.
    let (id, config) = unsafe { (id.bytes(), config.bytes()) };
    // SAFETY: the host promises that the table is valid until `destroy` returns, which closes the link.
    let link = Arc::new(unsafe { Link::open(host) });
    match guarded(|| start(L::EXPORTS, &link, id, config)) {
        Ok(strategy) => {
            let running = Box::into_raw(Box::new(Running { instance: table(), strategy, link }));
            // SAFETY: as above; `Running` is repr(C) and begins with the instance, and the pointer keeps the whole of it.
            unsafe { *instance = running.cast() };
            Status::OK
        }
        Err(failure) => {
            link.close();
            // SAFETY: borrowed for this call.
            unsafe { report(&failure, error) }
        }
    }
}

fn start(exports: &[Export], link: &Arc<Link>, id: &[u8], config: &[u8]) -> Result<Strategy, Failure> {
    let Some(export) = exports.iter().find(|export| export.about.id.as_bytes() == id) else {
        let text = format!("find the plugin {:?} in this library", String::from_utf8_lossy(id));
        return Err(Failure { status: Status::UNKNOWN_ID, text });
    };
    let config = match config {
        [] => Value::Null,
        config => serde_json::from_slice(config).map_err(|source| StartError::Config { source })?,
    };
    let _during_call = link.during_call();
    let start = Start { host: Host::linked(link.clone()), config };
    Ok(match export.make {
        Maker::Scheduler(make) => Strategy::Scheduler(make(start)?),
        Maker::Picker(make) => Strategy::Picker(make(start)?),
        Maker::Resolver(make) => Strategy::Resolver(make(start)?),
    })
}

fn table() -> Instance {
    Instance {
        struct_size: size_of::<Instance>() as u32,
        reserved: 0,
        data: ptr::null_mut(),
        call: Some(call),
        get_extension: Some(get_extension),
        destroy: Some(destroy),
    }
}

/// `deadline_ns` is not looked at: a strategy reads no clock, and what takes too long is ended from outside.
unsafe extern "C" fn call(
    this: *mut Instance,
    method: Slice,
    input: Slice,
    _deadline_ns: u64,
    out: *const Sink,
) -> Status {
    // SAFETY: `create` made it, `destroy` was not called yet, and there is one call at a time.
    let running = unsafe { &*this.cast::<Running>() };
    // SAFETY: borrowed for this call.
    let (method, input) = unsafe { (method.bytes(), input.bytes()) };
    match guarded(|| running.answer(method, input)) {
        // SAFETY: borrowed for this call.
        Ok(answer) => match unsafe { append(out, &answer) } {
            Status::OK => Status::OK,
            _ => Status::SINK_REFUSED,
        },
        // SAFETY: borrowed for this call.
        Err(failure) => unsafe { report(&failure, out) },
    }
}

impl Running {
    fn answer(&self, method: &[u8], input: &[u8]) -> Result<Vec<u8>, Failure> {
        let _during_call = self.link.during_call();
        let method = String::from_utf8_lossy(method);
        let answer: Result<_, CallError> = self.strategy.answer(&Host::linked(self.link.clone()), &method, input);
        Ok(answer?)
    }
}

/// There are no extensions in version 1.0.
extern "C" fn get_extension(_this: *mut Instance, _id: Slice) -> *const c_void {
    ptr::null()
}

unsafe extern "C" fn destroy(this: *mut Instance) {
    if this.is_null() {
        return;
    }
    // SAFETY: `create` made it from a box, and this is the last call.
    let running = unsafe { Box::from_raw(this.cast::<Running>()) };
    let Running { strategy, link, .. } = *running;
    let dropped = guarded(|| {
        drop(strategy);
        Ok(())
    });
    if let Err(failure) = dropped {
        link.log(LogLevel::ERROR, &failure.text);
    }
    link.close();
}

/// Runs author's code; a panic becomes a failure.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What a panic leaves behind is seen by nobody: the host destroys an instance that panicked.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(payload)))
}

fn panicked(payload: Box<dyn Any + Send>) -> Failure {
    let message = payload.downcast::<String>().map(|text| *text).or_else(|payload| {
        let text = payload.downcast::<&'static str>().map(|text| (*text).to_owned());
        // The destructor of anything else may panic in its turn.
        text.map_err(mem::forget)
    });
    let message = message.unwrap_or_else(|()| "it did not say why".to_owned());
    Failure { status: Status::PANIC, text: format!("go on, because the plugin panicked: {message}") }
}

/// Writes the failure for people, in one line; a sink that does not want it is left alone.
///
/// # Safety
/// `out` is NULL or borrowed for the call.
unsafe fn report(failure: &Failure, out: *const Sink) -> Status {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = failure.text.chars().take(MAX_TEXT_CHARS).map(clean).collect();
    // SAFETY: the caller's promise.
    unsafe { append(out, text.as_bytes()) };
    failure.status
}

/// Most characters of an error text.
const MAX_TEXT_CHARS: usize = 4_000;
