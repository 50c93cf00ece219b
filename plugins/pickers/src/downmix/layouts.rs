//! FFmpeg's channel layouts, in FFmpeg's order of channels (`ffmpeg -layouts`).

/// A layout whose loudspeakers all stand around the listener.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    pub(super) channels: &'static [&'static str],
}

/// Returns the layout of a stream; `None` where the name is unknown or the number of channels contradicts it.
pub(super) fn find(name: Option<&str>, channels: u8) -> Option<&'static Layout> {
    let has_as_many = |layout: &&Layout| layout.channels.len() == usize::from(channels);
    match name.map(str::trim).filter(|name| !name.is_empty() && !is_count(name)) {
        Some(name) => LAYOUTS.iter().find(|layout| layout.name == name).filter(has_as_many),
        // Three and more could be anything.
        None => LAYOUTS[..2].iter().find(has_as_many),
    }
}

/// Returns the layout that a channel sends.
pub(super) fn of_output(channels: u8) -> Option<&'static Layout> {
    let name = match channels {
        1 => "mono",
        2 => "stereo",
        6 => "5.1",
        _ => return None,
    };
    LAYOUTS.iter().find(|layout| layout.name == name)
}

/// FFmpeg writes "2 channels" where the file does not say which ones.
fn is_count(name: &str) -> bool {
    name.ends_with("channels")
}

pub(super) const LAYOUTS: [Layout; 26] = [
    Layout { name: "mono", channels: &["FC"] },
    Layout { name: "stereo", channels: &["FL", "FR"] },
    Layout { name: "2.1", channels: &["FL", "FR", "LFE"] },
    Layout { name: "3.0", channels: &["FL", "FR", "FC"] },
    Layout { name: "3.0(back)", channels: &["FL", "FR", "BC"] },
    Layout { name: "4.0", channels: &["FL", "FR", "FC", "BC"] },
    Layout { name: "quad", channels: &["FL", "FR", "BL", "BR"] },
    Layout { name: "quad(side)", channels: &["FL", "FR", "SL", "SR"] },
    Layout { name: "3.1", channels: &["FL", "FR", "FC", "LFE"] },
    Layout { name: "5.0", channels: &["FL", "FR", "FC", "BL", "BR"] },
    Layout { name: "5.0(side)", channels: &["FL", "FR", "FC", "SL", "SR"] },
    Layout { name: "4.1", channels: &["FL", "FR", "FC", "LFE", "BC"] },
    Layout { name: "5.1", channels: &["FL", "FR", "FC", "LFE", "BL", "BR"] },
    Layout { name: "5.1(side)", channels: &["FL", "FR", "FC", "LFE", "SL", "SR"] },
    Layout { name: "6.0", channels: &["FL", "FR", "FC", "BC", "SL", "SR"] },
    Layout { name: "6.0(front)", channels: &["FL", "FR", "FLC", "FRC", "SL", "SR"] },
    Layout { name: "hexagonal", channels: &["FL", "FR", "FC", "BL", "BR", "BC"] },
    Layout { name: "6.1", channels: &["FL", "FR", "FC", "LFE", "BC", "SL", "SR"] },
    Layout { name: "6.1(back)", channels: &["FL", "FR", "FC", "LFE", "BL", "BR", "BC"] },
    Layout { name: "6.1(front)", channels: &["FL", "FR", "LFE", "FLC", "FRC", "SL", "SR"] },
    Layout { name: "7.0", channels: &["FL", "FR", "FC", "BL", "BR", "SL", "SR"] },
    Layout { name: "7.0(front)", channels: &["FL", "FR", "FC", "FLC", "FRC", "SL", "SR"] },
    Layout { name: "7.1", channels: &["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"] },
    Layout { name: "7.1(wide)", channels: &["FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC"] },
    Layout { name: "7.1(wide-side)", channels: &["FL", "FR", "FC", "LFE", "FLC", "FRC", "SL", "SR"] },
    Layout { name: "octagonal", channels: &["FL", "FR", "FC", "BL", "BR", "BC", "SL", "SR"] },
];
