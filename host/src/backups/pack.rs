//! Bytes of backups: compressed, unpacked, hashed, in constant memory.
//!
//! Does: stream one file into another.
//! Does not: know what is in them.
//! Invariant: what was written is on the disk when a function returns.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};

/// What went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    /// How many bytes.
    pub(super) bytes: u64,
    /// Their SHA-256.
    pub(super) sha256: String,
}

/// Writes a file compressed to another one; returns what was read.
pub(super) fn compress(from: &Path, to: &Path, tell: impl FnMut(u64)) -> io::Result<Passed> {
    let mut packed = GzEncoder::new(BufWriter::new(File::create(to)?), Compression::default());
    let passed = pass(&mut File::open(from)?, &mut packed, tell)?;
    let file = packed.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(passed)
}

/// Writes what is in a backup's file to another file, or nowhere; returns what came out.
pub(super) fn unpack(from: &Path, compressed: bool, to: Option<&Path>, tell: impl FnMut(u64)) -> io::Result<Passed> {
    let file = BufReader::with_capacity(CHUNK, File::open(from)?);
    let mut source: Box<dyn Read> = if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let Some(to) = to else { return pass(&mut source, &mut io::sink(), tell) };
    let mut target = File::create(to)?;
    let passed = pass(&mut source, &mut target, tell)?;
    target.sync_all()?;
    Ok(passed)
}

/// Returns what is in a file as it is.
pub(super) fn hash(file: &Path) -> io::Result<Passed> {
    pass(&mut File::open(file)?, &mut io::sink(), |_| {})
}

fn pass(source: &mut impl Read, target: &mut impl Write, mut tell: impl FnMut(u64)) -> io::Result<Passed> {
    let (mut buffer, mut hasher, mut bytes) = (vec![0; CHUNK], Sha256::new(), 0);
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
        bytes += read as u64;
        tell(bytes);
    }
    target.flush()?;
    let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Passed { bytes, sha256 })
}

const CHUNK: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_out_again_with_the_same_hash() {
        let folder = tempfile::tempdir().unwrap();
        let [plain, packed, again] = ["plain", "packed", "again"].map(|name| folder.path().join(name));
        let text: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&plain, &text).unwrap();
        let mut told = 0;
        let passed = compress(&plain, &packed, |bytes| told = bytes).unwrap();
        assert_eq!((passed.bytes, told), (4_000_000, 4_000_000));
        assert_eq!(unpack(&packed, true, Some(&again), |_| {}).unwrap(), passed);
        assert_eq!(unpack(&plain, false, None, |_| {}).unwrap(), passed);
        assert_eq!(hash(&again).unwrap(), passed);
        assert!(std::fs::metadata(&packed).unwrap().len() < 3_000_000);
        assert!(std::fs::read(&again).unwrap() == text);
    }
}
