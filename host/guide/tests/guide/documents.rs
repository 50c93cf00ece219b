//! XMLTV as a whole document.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use chrono::DateTime;

use crate::scene;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Compares with a file under `golden`; `UPDATE_GOLDEN=1` writes it anew.
pub fn golden(name: &str, text: &str) {
    let path = here("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} differs; UPDATE_GOLDEN=1 writes it anew. It is now:\n{text}");
}

#[test]
fn the_guide_is_written_as_agreed() {
    golden("guide.xml", &scene::guide());
}

/// Runs a validator on the guide; says loudly when the machine does not have it.
fn validates(program: &str, arguments: &[&str], dtd: &Path, xml: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guide.xml");
    // The tools would look for the document's own DTD beside it.
    std::fs::copy(dtd, folder.path().join("xmltv.dtd")).unwrap();
    std::fs::write(&file, xml).unwrap();
    match Command::new(program).args(arguments).arg(dtd).arg(&file).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: {program} is not installed, so this guide was not checked by it");
        }
        Err(error) => panic!("{program}: {error}"),
        Ok(output) => {
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(
                output.status.success() && ["", "Validated ok."].contains(&said.trim()),
                "{program} says: {said}\n{xml}"
            );
        }
    }
}

/// Returns the DTD as xmltv-util ships it, or our own copy of its rules.
fn dtds() -> Vec<PathBuf> {
    let shipped = PathBuf::from("/usr/share/xmltv/xmltv.dtd");
    if !shipped.exists() {
        eprintln!(
            "SKIPPED: {} is not there (Debian: xmltv-util), so only our own copy of the DTD was used",
            shipped.display()
        );
    }
    [here("xmltv.dtd"), shipped].into_iter().filter(|path| path.exists()).collect()
}

pub fn valid(xml: &str) {
    for dtd in dtds() {
        validates("xmllint", &["--nonet", "--noout", "--dtdvalid"], &dtd, xml);
    }
}

#[test]
fn the_guide_is_valid_against_the_dtd() {
    valid(&scene::guide());
}

#[test]
fn the_guide_satisfies_xmltvs_own_validator() {
    for dtd in dtds() {
        validates("tv_validate_file", &["--dtd-file"], &dtd, &scene::guide());
    }
}

#[test]
fn programmes_follow_each_other_without_overlap_or_hole() {
    let xml = scene::guide();
    let document = crate::any_metadata::parse(&xml);
    let time = |text: &str| DateTime::parse_from_str(text, "%Y%m%d%H%M%S %z").unwrap();
    let spans: Vec<_> = document
        .iter()
        .filter(|(name, attributes, _)| name == "programme" && attributes["channel"] == "c1.exstreamtv")
        .map(|(_, attributes, _)| (time(&attributes["start"]), time(&attributes["stop"])))
        .collect();
    assert_eq!(spans.len(), 4, "the fillers belong to the film, the blink to nobody, the slates are one");
    for pair in spans.windows(2) {
        assert_eq!(pair[0].1, pair[1].0);
    }
    assert_eq!(spans.first().unwrap().0, scene::at("2026-10-25T00:10:00Z"));
    assert_eq!(spans.last().unwrap().1, scene::at("2026-10-25T01:13:34Z"));
    // Summer time ends at 01:00 UTC; the guide says both offsets on the right side of it.
    assert!(xml.contains("20261025024035 +0200") && xml.contains("20261025021034 +0100"), "{xml}");
}

#[test]
fn a_channel_is_called_the_same_in_lineup_and_guide() {
    let id = exstreamtv_guide::channel_guide_id(exstreamtv_model::ChannelId(7));
    assert_eq!(id, "c7.exstreamtv");
}
