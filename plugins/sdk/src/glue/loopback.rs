//! The host's side of the door, in the same process, for tests.
//!
//! Does: open exported strategies exactly as the host does: through the entry, with slices, sinks and a host table.
//! Does not: guard against foreign code; what it opens was compiled into this program. The real host's side is its loader.
//! Invariant: an instance is destroyed before its host table goes.

use std::{
    ffi::c_void,
    ptr,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use exstreamtv_model::schedule::{Pool, PoolPage, PoolPageRequest};
use exstreamtv_plugin_api as api;
use exstreamtv_plugin_api::{Entry, LogLevel, QUERY_POOL_PAGE, Sink, Slice, Status};
use serde_json::Value;

use super::sink::{Collector, append};
use crate::Exported;

/// What a test offers to an instance.
#[derive(Debug, Clone)]
pub struct TestHost {
    /// The pools whose pages can be asked for.
    pub pools: Vec<Pool>,
    /// Most items of one page, whatever is asked for.
    pub max_page_items: usize,
    /// How many bytes of an answer are taken before the sink refuses.
    pub max_output_bytes: usize,
}

impl Default for TestHost {
    fn default() -> Self {
        Self { pools: Vec::new(), max_page_items: 2_000, max_output_bytes: 64 * 1024 * 1024 }
    }
}

/// What came back in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("get an answer: the plugin ended with {status}: {text}")]
pub struct Refusal {
    /// How it ended.
    pub status: Status,
    /// What the plugin said.
    pub text: String,
}

/// The strategies of a library, opened through its exported functions.
#[derive(Debug, Clone, Copy)]
pub struct Plugins {
    entry: &'static Entry,
}

/// What a plugin says about itself, as it crossed the door.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each member is the one of `About`, or of the descriptor")]
pub struct Described {
    pub id: String,
    pub name: String,
    pub version: String,
    pub vendor: String,
    pub licence: String,
    pub url: String,
    pub contract: String,
    pub min_host_minor: u32,
    pub encodings: u64,
    pub permissions: u64,
}

impl Plugins {
    /// Opens the strategies that `export_plugins!` exports.
    pub fn of(exported: Exported) -> Self {
        Self { entry: exported.entry() }
    }

    /// Returns what is described, in order.
    pub fn described(self) -> Vec<Described> {
        let (Some(count), Some(describe)) = (self.entry.count, self.entry.describe) else { return Vec::new() };
        // SAFETY: our own functions, which take any index.
        let descriptors = (0..unsafe { count() }).map(|index| unsafe { describe(index) });
        // SAFETY: what is described is a constant.
        descriptors.filter_map(|descriptor| unsafe { descriptor.as_ref() }).map(Described::of).collect()
    }

    /// Returns the text of the sidecar `NAME.plugin.toml` that has to lie beside the library.
    ///
    /// Keep it as a file, and let a test compare the two: then the sidecar cannot fall behind.
    pub fn sidecar(self) -> String {
        let mut text = format!("abi = {}\n", self.entry.abi_major);
        for plugin in self.described() {
            plugin.write_sidecar(&mut text);
        }
        text
    }

    /// Makes an instance of the plugin `id`; an empty `config` is none.
    ///
    /// # Errors
    /// Gives what the plugin said.
    pub fn create(self, id: &str, config: &[u8], host: TestHost) -> Result<Instance, Refusal> {
        let services = Arc::new(Services { host, log: Mutex::default() });
        let table = Rc::new(services.table());
        let error = Collector::new(MAX_TEXT_BYTES);
        let sink = error.sink();
        let mut raw = ptr::null_mut();
        let status = match self.entry.create {
            // SAFETY: the table lives as long as the instance; the rest as long as the call.
            Some(create) => unsafe {
                create(Rc::as_ptr(&table), Slice::of_text(id), Slice::of(config), &raw const sink, &raw mut raw)
            },
            None => Status::FAILED,
        };
        if status == Status::OK && !raw.is_null() {
            return Ok(Instance { raw, services, _table: table });
        }
        Err(Refusal { status, text: text(error) })
    }
}

impl Described {
    fn of(descriptor: &api::Descriptor) -> Self {
        // SAFETY: what is described is a constant.
        let text = |slice: Slice| String::from_utf8_lossy(unsafe { slice.bytes() }).into_owned();
        Self {
            id: text(descriptor.id),
            name: text(descriptor.name),
            version: text(descriptor.version),
            vendor: text(descriptor.vendor),
            licence: text(descriptor.licence),
            url: text(descriptor.url),
            contract: text(descriptor.contract),
            min_host_minor: descriptor.min_host_minor,
            encodings: descriptor.encodings,
            permissions: descriptor.permissions,
        }
    }

    fn write_sidecar(&self, text: &mut String) {
        let texts = [
            ("id", &self.id),
            ("name", &self.name),
            ("version", &self.version),
            ("vendor", &self.vendor),
            ("licence", &self.licence),
            ("url", &self.url),
            ("contract", &self.contract),
        ];
        text.push_str("\n[[plugin]]\n");
        for (name, value) in texts {
            // What JSON writes between quotation marks TOML reads in the same way.
            text.push_str(&format!("{name} = {}\n", Value::from(value.as_str())));
        }
        text.push_str(&format!("min_host_minor = {}\n", self.min_host_minor));
        text.push_str("encodings = [\"json\"]\npermissions = []\n");
    }
}

/// An instance, called as the host calls it.
#[derive(Debug)]
pub struct Instance {
    raw: *mut api::Instance,
    services: Arc<Services>,
    _table: Rc<api::Host>,
}

// SAFETY: the header allows calls from changing threads, one at a time, which `&mut self` makes sure of; the table has no
// other owner.
unsafe impl Send for Instance {}

impl Instance {
    /// Asks with bytes and gets bytes.
    ///
    /// # Errors
    /// Gives what the plugin said.
    pub fn call(&mut self, method: &str, input: &[u8]) -> Result<Vec<u8>, Refusal> {
        let out = Collector::new(self.services.host.max_output_bytes);
        let sink = out.sink();
        // SAFETY: the instance is there until `self` is dropped.
        let status = match unsafe { (*self.raw).call } {
            // SAFETY: as above; method, input and sink are there until the function returns.
            Some(call) => unsafe { call(self.raw, Slice::of_text(method), Slice::of(input), 0, &raw const sink) },
            None => Status::FAILED,
        };
        if status == Status::OK { Ok(out.into_bytes()) } else { Err(Refusal { status, text: text(out) }) }
    }

    /// Asks with a document and gets a document.
    ///
    /// # Errors
    /// Gives what the plugin said; an answer that is not JSON counts as failed.
    pub fn ask(&mut self, method: &str, request: &Value) -> Result<Value, Refusal> {
        let answer = self.call(method, request.to_string().as_bytes())?;
        let not_json = |error| Refusal { status: Status::FAILED, text: format!("read its answer: {error}") };
        serde_json::from_slice(&answer).map_err(not_json)
    }

    /// Returns what it wrote to the log.
    pub fn log(&self) -> Vec<(LogLevel, String)> {
        self.services.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the instance is there, and this is the last call.
        if let Some(destroy) = unsafe { (*self.raw).destroy } {
            // SAFETY: as above.
            unsafe { destroy(self.raw) };
        }
    }
}

/// What stands behind the host table.
#[derive(Debug)]
struct Services {
    host: TestHost,
    log: Mutex<Vec<(LogLevel, String)>>,
}

impl Services {
    fn table(self: &Arc<Self>) -> api::Host {
        api::Host {
            struct_size: size_of::<api::Host>() as u32,
            abi_minor: api::ABI_MINOR,
            context: Arc::as_ptr(self).cast_mut().cast(),
            log: Some(log),
            query: Some(query),
            get_extension: Some(get_extension),
        }
    }

    fn page(&self, input: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let request: PoolPageRequest = serde_json::from_slice(input)?;
        let items = self.host.pools.iter().find(|pool| pool.key == request.pool).map_or(&[][..], |pool| &pool.items);
        let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX).min(self.host.max_page_items);
        serde_json::to_vec(&PoolPage { items: items.iter().skip(offset).take(limit).cloned().collect() })
    }
}

unsafe extern "C" fn log(context: *mut c_void, level: LogLevel, message: Slice) {
    // SAFETY: the context is the services, which live as long as the table.
    let services = unsafe { &*context.cast_const().cast::<Services>() };
    // SAFETY: borrowed for this call.
    let message = String::from_utf8_lossy(unsafe { message.bytes() }).into_owned();
    services.log.lock().unwrap_or_else(PoisonError::into_inner).push((level, message));
}

unsafe extern "C" fn query(context: *mut c_void, method: Slice, input: Slice, out: *const Sink) -> Status {
    // SAFETY: the context is the services, which live as long as the table.
    let services = unsafe { &*context.cast_const().cast::<Services>() };
    // SAFETY: borrowed for this call.
    let (method, input) = unsafe { (method.bytes(), input.bytes()) };
    let (status, bytes) = match services.page(input) {
        _ if method != QUERY_POOL_PAGE.as_bytes() => (Status::UNKNOWN_METHOD, b"find the query".to_vec()),
        Ok(page) => (Status::OK, page),
        Err(error) => (Status::BAD_INPUT, error.to_string().into_bytes()),
    };
    // SAFETY: borrowed for this call.
    match unsafe { append(out, &bytes) } {
        Status::OK => status,
        refused => refused,
    }
}

extern "C" fn get_extension(_context: *mut c_void, _id: Slice) -> *const c_void {
    ptr::null()
}

fn text(collected: Collector) -> String {
    String::from_utf8_lossy(&collected.into_bytes()).into_owned()
}

const MAX_TEXT_BYTES: usize = 64 * 1024;
