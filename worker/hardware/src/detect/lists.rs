//! What FFmpeg's lists say about its build.
//!
//! Does: read `-version`, `-hwaccels`, `-encoders`, `-decoders`, `-filters`, `-h encoder=…` and `-gpu list` of versions 4 to 8.
//! Does not: take them for more than they are: a build that has something proves nothing about the machine.
//! Invariant: any text gives a list, an empty one where nothing is understood.

use std::collections::BTreeSet;

use crate::{Version, pattern::Pattern, profile::Needs};

/// What FFmpeg was built with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// What it calls its version.
    pub version_text: String,
    /// Its version; that of the release branch for development builds.
    pub version: Option<Version>,
    /// Of `-hwaccels`.
    pub hwaccels: BTreeSet<String>,
    /// Of `-encoders`.
    pub encoders: BTreeSet<String>,
    /// Of `-decoders`.
    pub decoders: BTreeSet<String>,
    /// Of `-filters`.
    pub filters: BTreeSet<String>,
}

/// A card as NVENC lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Its index.
    pub index: u32,
    /// What it is called.
    pub name: String,
    /// Its compute capability, "8.6".
    pub sm: String,
}

/// What `-h encoder=…` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Help {
    /// Pixel formats that it takes; empty where it does not say.
    pub formats: BTreeSet<String>,
    /// Kinds of devices that it works with.
    pub devices: BTreeSet<String>,
    /// Its own options, without the dash.
    pub options: BTreeSet<String>,
}

/// libavutil of each release, newest first.
const RELEASES: [((u64, u64), &str); 9] = [
    ((60, 8), "8.0"),
    ((59, 39), "7.1"),
    ((59, 8), "7.0"),
    ((58, 29), "6.1"),
    ((58, 2), "6.0"),
    ((57, 28), "5.1"),
    ((57, 17), "5.0"),
    ((56, 70), "4.4"),
    ((56, 51), "4.3"),
];

impl Build {
    /// Takes over what `-version` says; returns whether it was understood.
    pub fn read_version(&mut self, text: &str) -> bool {
        let first = text.lines().next().unwrap_or_default();
        let Some(said) = first.strip_prefix("ffmpeg version ").and_then(|rest| rest.split(' ').next()) else {
            return false;
        };
        self.version_text = said.to_owned();
        // "N-12345-gabcdef", "2024-05-13-git-37db0454e4": named after a day or a commit.
        let named = !said.starts_with("N-") && !said.contains("git-");
        self.version = named.then(|| Version::parse(said)).flatten().or_else(|| release_of(text));
        true
    }

    /// Takes over what `-hwaccels` says.
    pub fn read_hwaccels(&mut self, text: &str) {
        let names = text.lines().skip_while(|line| !line.trim_end().ends_with(':')).skip(1);
        self.hwaccels = names.map(str::trim).filter(|name| is_name(name)).map(str::to_owned).collect();
    }

    /// Takes over what `-encoders` says.
    pub fn read_encoders(&mut self, text: &str) {
        self.encoders = coders(text);
    }

    /// Takes over what `-decoders` says.
    pub fn read_decoders(&mut self, text: &str) {
        self.decoders = coders(text);
    }

    /// Takes over what `-filters` says: flags (three up to 7.1, two from 8.0 on), name, "V->V".
    pub fn read_filters(&mut self, text: &str) {
        let name = |line: &str| {
            let mut words = line.split_whitespace();
            let (flags, name, ends) = (words.next()?, words.next()?, words.next()?);
            let is_filter = (2..=3).contains(&flags.len()) && ends.contains("->") && is_name(name);
            is_filter.then(|| name.to_owned())
        };
        self.filters = text.lines().filter_map(name).collect();
    }

    /// Returns what of `needs` is not there, as "encoder h264_nvenc".
    pub fn lacks(&self, needs: &Needs) -> Vec<String> {
        needs
            .parts()
            .filter(|(kind, name)| !self.has(kind, name))
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect()
    }

    /// Returns whether it has a part: ("encoder", "h264_nvenc").
    pub fn has(&self, kind: &str, name: &str) -> bool {
        let list = match kind {
            "hwaccel" => &self.hwaccels,
            "encoder" => &self.encoders,
            "decoder" => &self.decoders,
            "filter" => &self.filters,
            _ => return false,
        };
        list.contains(name)
    }
}

/// Lines are six flags and a name; the legend above the list has "=" for a name.
fn coders(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        let (flags, name) = (words.next()?, words.next()?);
        let is_coder = flags.len() == 6 && flags.chars().all(|c| c == '.' || c.is_ascii_uppercase()) && is_name(name);
        is_coder.then(|| name.to_owned())
    };
    text.lines().filter_map(name).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Returns the release whose libavutil is not newer than the one in `text`.
fn release_of(text: &str) -> Option<Version> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("libavutil"))?;
    let mut numbers = line.split(['.', '/']).map(|number| number.trim().parse::<u64>());
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let release = RELEASES.iter().find(|(first, _)| (major, minor) >= *first)?;
    Version::parse(release.1)
}

/// Returns the cards that `-c:v h264_nvenc -gpu list` names.
pub fn gpu_list(text: &str) -> Vec<Gpu> {
    let gpu = |line: &str| {
        let (_, rest) = line.split_once("GPU #")?;
        let (index, rest) = rest.split_once(" - < ")?;
        let (name, rest) = rest.split_once(" > has Compute SM ")?;
        let sm: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        Some(Gpu { index: index.trim().parse().ok()?, name: name.trim().to_owned(), sm })
    };
    text.lines().filter_map(gpu).collect()
}

/// Returns what `-h encoder=…` or `-h filter=…` says.
pub fn help(text: &str) -> Help {
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
        line.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    // "  -preset            <int>        E..V......."
    let options = Pattern::parse(r"^\s+-(\S+)\s+<")
        .map(|option| option.capture_all(text).into_iter().map(str::to_owned).collect::<BTreeSet<String>>());
    Help {
        formats: after("Supported pixel formats:"),
        devices: after("Supported hardware devices:"),
        options: options.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<String> {
        let mut build = Build::default();
        build.read_version(text).then(|| build.version.map(|version| version.to_string()).unwrap_or_default())
    }

    #[test]
    fn versions_are_read_and_development_builds_are_placed_by_their_libraries() {
        let of = |said: &str, avutil: &str| {
            version(&format!(
                "ffmpeg version {said} Copyright (c) 2000-2026 the FFmpeg developers\nbuilt with gcc\n  libavutil      {avutil} / {avutil}\n"
            ))
        };
        assert_eq!(of("5.1.9-0+deb12u1", "57. 28.100").as_deref(), Some("5.1.9"));
        assert_eq!(of("n7.1", "59. 39.100").as_deref(), Some("7.1"));
        assert_eq!(of("N-118000-g1234567890", "59. 56.100").as_deref(), Some("7.1"));
        assert_eq!(of("2024-05-13-git-37db0454e4", "59. 17.100").as_deref(), Some("7.0"));
        assert_eq!(of("N-121000-gabc", "60. 12.100").as_deref(), Some("8.0"));
        assert_eq!(version("ffmpeg version N-1-gabc Copyright").as_deref(), Some(""));
        assert_eq!(version("avconv version 12"), None);
    }

    #[test]
    fn lists_are_read_with_flags_of_either_width() {
        let mut build = Build::default();
        build.read_hwaccels("Hardware acceleration methods:\nvdpau\ncuda\nvaapi\n\n");
        build.read_encoders("Encoders:\n V..... = Video\n A..... = Audio\n ------\n V....D h264_nvenc           NVIDIA NVENC H.264 encoder (codec h264)\n A....D aac                  AAC\n");
        build.read_filters("Filters:\n  T.. = Timeline support\n  .S. = Slice threading\n  | = Source or sink filter\n ... scale_cuda        V->V       GPU accelerated video resizer\n TSC overlay           VV->V      Overlay\n");
        assert_eq!(build.hwaccels.iter().collect::<Vec<_>>(), ["cuda", "vaapi", "vdpau"]);
        assert_eq!(build.encoders.iter().collect::<Vec<_>>(), ["aac", "h264_nvenc"]);
        assert_eq!(build.filters.iter().collect::<Vec<_>>(), ["overlay", "scale_cuda"]);
        build.read_filters("Filters:\n  T. = Timeline support\n  .S = Slice threading\n  A = Audio input/output\n .. scale_cuda        V->V       GPU accelerated video resizer\n TS overlay           VV->V      Overlay\n");
        assert_eq!(build.filters.iter().collect::<Vec<_>>(), ["overlay", "scale_cuda"]);
        let needs = Needs { filters: vec!["scale_cuda".into(), "pad_cuda".into()], ..Needs::default() };
        assert_eq!(build.lacks(&needs), ["filter pad_cuda"]);
    }

    #[test]
    fn the_help_of_an_encoder_names_formats_devices_and_options() {
        let text = "Encoder h264_qsv [H.264 (Intel Quick Sync Video acceleration)]:\n    General capabilities: dr1 delay hybrid \n    Threading capabilities: none\n    Supported hardware devices: qsv qsv qsv \n    Supported pixel formats: nv12 p010le qsv\nh264_qsv encoder AVOptions:\n  -async_depth       <int>        E..V....... Maximum\n     veryfast        7            E..V.......\n  -low_power         <boolean>    E..V....... enable\n";
        let help = help(text);
        assert_eq!(help.formats.iter().collect::<Vec<_>>(), ["nv12", "p010le", "qsv"]);
        assert_eq!(help.devices.iter().collect::<Vec<_>>(), ["qsv"]);
        assert_eq!(help.options.iter().collect::<Vec<_>>(), ["async_depth", "low_power"]);
    }

    #[test]
    fn cards_are_read_from_nvencs_list() {
        let text = "[h264_nvenc @ 0x5581] [ GPU #0 - < NVIDIA GeForce RTX 2080 Ti > has Compute SM 7.5 ]\n[h264_nvenc @ 0x5581] [ GPU #1 - < Quadro P2000 > has Compute SM 6.1 ]\nGPU #x - < a > has Compute SM\n";
        let found: Vec<_> = gpu_list(text).into_iter().map(|gpu| (gpu.index, gpu.name, gpu.sm)).collect();
        let card = |index, name: &str, sm: &str| (index, name.to_owned(), sm.to_owned());
        assert_eq!(found, [card(0, "NVIDIA GeForce RTX 2080 Ti", "7.5"), card(1, "Quadro P2000", "6.1")]);
    }
}
