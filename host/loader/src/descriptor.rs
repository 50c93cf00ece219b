//! What a plugin says about itself, copied and checked.
//!
//! Does: copy a foreign descriptor, and refuse what the header does not allow.
//! Does not: compare descriptors with each other or with a sidecar.
//! Invariant: a [`Descriptor`] that was read from a library holds short, printable texts and a well-formed id.

use exstreamtv_plugin_api::{self as api, Slice};
use serde::{Deserialize, Serialize};

use crate::{ABI, entry::EntryFault};

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// Its name for machines: "org.example.marathon".
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Who made it.
    pub vendor: String,
    /// SPDX expression.
    pub licence: String,
    /// Where to read more; may be empty.
    #[serde(default)]
    pub url: String,
    /// Which contract it fulfils: "exstreamtv.scheduler/1".
    pub contract: String,
    /// The oldest minor version of the host that it can work with.
    pub min_host_minor: u32,
    /// How it reads and writes documents: "json".
    pub encodings: Vec<String>,
    /// What it may do beyond computing; version 1.0 has nothing to give.
    pub permissions: Vec<String>,
}

/// Most bytes of each text.
const MAX_ID_BYTES: usize = 64;
const MAX_TEXT_BYTES: usize = 256;
const MAX_URL_BYTES: usize = 2_048;

impl Descriptor {
    /// Copies the descriptor of plugin `index` and checks it.
    ///
    /// # Safety
    /// `foreign` must point to a descriptor of as many bytes as its `struct_size` says, whose texts are there and do not change meanwhile.
    #[expect(unsafe_code, reason = "follows the pointers of a library")]
    pub(crate) unsafe fn read(index: u32, foreign: *const api::Descriptor) -> Result<Self, EntryFault> {
        // SAFETY: every version of the struct begins with its size; the caller promises that it is there.
        let found = unsafe { (&raw const (*foreign).struct_size).read() };
        EntryFault::check_size("descriptor", found, size_of::<api::Descriptor>())?;
        // SAFETY: the size says that all members are there, as the caller promises.
        let foreign = unsafe { foreign.read() };
        let copy = |field, slice, max| {
            // SAFETY: the caller promises that the texts are there.
            unsafe { text(slice, max) }.map_err(|reason| EntryFault::Text { index, field, reason })
        };
        let descriptor = Self {
            id: copy("id", foreign.id, MAX_ID_BYTES)?,
            name: copy("name", foreign.name, MAX_TEXT_BYTES)?,
            version: copy("version", foreign.version, MAX_TEXT_BYTES)?,
            vendor: copy("vendor", foreign.vendor, MAX_TEXT_BYTES)?,
            licence: copy("licence", foreign.licence, MAX_TEXT_BYTES)?,
            url: copy("url", foreign.url, MAX_URL_BYTES)?,
            contract: copy("contract", foreign.contract, MAX_ID_BYTES)?,
            min_host_minor: foreign.min_host_minor,
            encodings: names(foreign.encodings, &[(api::ENCODING_JSON, "json")]),
            permissions: names(foreign.permissions, &[]),
        };
        descriptor.check(index)?;
        Ok(descriptor)
    }

    fn check(&self, index: u32) -> Result<(), EntryFault> {
        let wrong = |field, reason: &str| Err(EntryFault::Text { index, field, reason: reason.to_owned() });
        let id_ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !self.id.bytes().all(id_ok) {
            return wrong("id", "it may hold a-z, 0-9, '.' and '-' only");
        }
        let required =
            [("id", &self.id), ("name", &self.name), ("version", &self.version), ("contract", &self.contract)];
        if let Some((field, _)) = required.into_iter().find(|(_, text)| text.is_empty()) {
            return wrong(field, "it is empty");
        }
        if let Err(error) = semver::Version::parse(&self.version) {
            return wrong("version", &format!("{:?} is not a semantic version: {error}", self.version));
        }
        if self.min_host_minor > ABI.1 {
            return Err(EntryFault::Minor {
                id: self.id.clone(),
                major: ABI.0,
                needs: self.min_host_minor,
                host: ABI.1,
            });
        }
        if !self.encodings.iter().any(|name| name == "json") {
            return Err(EntryFault::NoJson { id: self.id.clone() });
        }
        match self.permissions.first() {
            Some(permission) => Err(EntryFault::Permission { id: self.id.clone(), permission: permission.clone() }),
            None => Ok(()),
        }
    }
}

/// Names the bits of a set; those without a name by their number.
fn names(bits: u64, known: &[(u64, &str)]) -> Vec<String> {
    let set = (0..u64::BITS).map(|bit| 1_u64 << bit).filter(|bit| bits & bit != 0);
    let name = |bit| known.iter().find(|(value, _)| *value == bit).map(|(_, name)| (*name).to_owned());
    set.map(|bit| name(bit).unwrap_or_else(|| format!("bit {}", bit.trailing_zeros()))).collect()
}

/// Copies a text of at most `max` bytes.
///
/// # Safety
/// Unless it is empty, the slice must point to that many bytes.
#[expect(unsafe_code, reason = "follows the pointer of a library")]
unsafe fn text(slice: Slice, max: usize) -> Result<String, String> {
    // Looked at before it is followed: a length from an uninitialised struct would lead anywhere.
    if slice.len > max {
        return Err(format!("it has {} bytes, at most {max} are allowed", slice.len));
    }
    if slice.data.is_null() && slice.len > 0 {
        return Err("it is a NULL pointer with a length".into());
    }
    // SAFETY: the caller promises that the bytes are there.
    let bytes = unsafe { slice.bytes() };
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 ({error})"))?;
    if text.chars().any(char::is_control) {
        return Err("it holds control characters".into());
    }
    Ok(text.to_owned())
}
