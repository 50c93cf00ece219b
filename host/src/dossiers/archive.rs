//! A dossier as one file, to be sent to somebody who can help.

use std::{io, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::{
    DossierId,
    folder::{DossierError, files},
};

/// Returns a dossier as `.tar.gz`, or `None` if there is none with this name.
///
/// # Errors
/// It cannot be read.
pub fn pack(folder: &Path, id: &DossierId) -> Result<Option<Vec<u8>>, DossierError> {
    let files = files(folder, id)?;
    if files.is_empty() {
        return Ok(None);
    }
    let packed =
        packed(id, &files).map_err(|source| DossierError::Read { path: folder.join(id.to_string()), source })?;
    Ok(Some(packed))
}

fn packed(id: &DossierId, files: &[(&str, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{id}/{name}"), contents.as_slice())?;
    }
    archive.into_inner()?.finish()
}
