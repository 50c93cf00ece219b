//! The profiles that are part of the program.

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The shipped files: name and text.
        pub const SHIPPED: [(&str, &str); [$($name),*].len()] =
            [$(($name, include_str!(concat!("../../../../hwprofiles/", $name)))),*];
    };
}

shipped![
    "common.toml",
    "software.toml",
    "cuda.toml",
    "vaapi.toml",
    "vaapi-intel.toml",
    "vaapi-amd.toml",
    "videotoolbox.toml",
    "qsv.toml",
    "amf.toml",
    "v4l2m2m.toml",
    "rkmpp.toml",
    "vulkan.toml",
];
