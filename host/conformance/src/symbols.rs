//! What a library exports and imports.
//!
//! Does: read the tables of dynamic symbols of an ELF or Mach-O file.
//! Does not: load or run it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use object::{Object, ObjectSymbol};

/// Names of a library's dynamic symbols, without the underscore that macOS puts in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbols {
    /// What others can see.
    pub exported: BTreeSet<String>,
    /// What it takes from others.
    pub imported: BTreeSet<String>,
}

/// Why the symbols are not known; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum SymbolsError {
    /// The file cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is no library.
    #[error("find the symbols of {}: {source}", .path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: object::read::Error,
    },
}

/// Returns the dynamic symbols of a library.
///
/// # Errors
/// If the file is no library.
pub fn of_library(path: &Path) -> Result<Symbols, SymbolsError> {
    let bytes = fs::read(path).map_err(|source| SymbolsError::Read { path: path.into(), source })?;
    let parse = |source| SymbolsError::Parse { path: path.into(), source };
    let file = object::File::parse(bytes.as_slice()).map_err(parse)?;
    let is_macho = file.format() == object::BinaryFormat::MachO;
    let plain = |name: &str| (if is_macho { name.strip_prefix('_').unwrap_or(name) } else { name }).to_owned();
    let mut symbols = Symbols { exported: BTreeSet::new(), imported: BTreeSet::new() };
    if is_macho {
        let text = |bytes: &[u8]| plain(&String::from_utf8_lossy(bytes));
        symbols.exported.extend(file.exports().map_err(parse)?.iter().map(|export| text(export.name())));
        symbols.imported.extend(file.imports().map_err(parse)?.iter().map(|import| text(import.name())));
        return Ok(symbols);
    }
    for symbol in file.dynamic_symbols() {
        let (Ok(name), side) = (symbol.name(), symbol.is_undefined()) else { continue };
        if !name.is_empty() && (side || symbol.is_global()) {
            let names = if side { &mut symbols.imported } else { &mut symbols.exported };
            names.insert(plain(name));
        }
    }
    Ok(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_has_no_symbols() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "#!/bin/sh\n").unwrap();
        assert!(matches!(of_library(file.path()), Err(SymbolsError::Parse { .. })));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_program_imports_what_it_calls() {
        let symbols = of_library(&std::env::current_exe().unwrap()).unwrap();
        assert!(symbols.imported.contains("malloc"), "{symbols:?}");
    }
}
