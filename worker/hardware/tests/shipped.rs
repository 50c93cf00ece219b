//! The shipped profiles are sound.

use exstreamtv_hardware::{Profiles, profiles::SHIPPED};

#[test]
fn every_shipped_profile_can_be_used() {
    let profiles = Profiles::with(&[]).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<_> = profiles.by_rank().iter().map(|profile| profile.id.as_str()).collect();
    assert_eq!(
        ids,
        ["cuda", "videotoolbox", "vaapi-intel", "qsv", "vaapi-amd", "rkmpp", "v4l2m2m", "amf", "software", "vulkan"]
    );
}

#[test]
fn every_file_of_the_folder_is_shipped() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hwprofiles");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    files.sort();
    let mut shipped = SHIPPED.map(|(name, _)| name.to_owned()).to_vec();
    shipped.sort();
    assert_eq!(files, shipped);
}
