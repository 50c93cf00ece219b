//! What a profile must not say.
//!
//! Does: check each file by itself, and each profile as a whole.
//! Invariant: a profile that passes uses known fields and places only, in places where they have a value; uses no part of FFmpeg that it does not name;
//! and has probes that can be put in order.

use std::collections::BTreeSet;

use super::{
    ProfilesError,
    layers::{Chain, Layer},
};
use crate::{
    Condition, Fact, Placeholder, Profile, ProfileFile, Template,
    condition::{FIELDS, Operator},
    pattern::Pattern,
    profile::{Capture, Enumerate, OpKind, Probe, Where},
};

const SYSTEMS: [&str; 4] = ["linux", "macos", "windows", "freebsd"];
const PROCESSORS: [&str; 3] = ["x86_64", "aarch64", "arm"];

/// Finding nothing is `Ok`; what is found is a key and a complaint.
type Finding = Result<(), (String, String)>;

/// Checks what a file says by itself.
pub(super) fn file(layer: &Layer) -> Result<(), ProfilesError> {
    let checks = [identity, conditions, templates, captures, coders, names];
    checks.iter().try_for_each(|check| check(&layer.file)).map_err(|(key, what)| layer.nonsense(&key, what))
}

/// Checks what a profile says as a whole.
pub(super) fn whole(profile: &Profile, chain: &Chain<'_>) -> Result<(), ProfilesError> {
    let blame = |(key, what): (String, String)| {
        let table = key.split(['.', '[']).next().unwrap_or_default().to_owned();
        chain.nonsense(&key, |file| has_table(file, &table), what)
    };
    let checks =
        [parts_are_named, surfaces_are_there, probes_have_an_order, limits_are_there, captures_are_made, software];
    checks.iter().try_for_each(|check| check(profile)).map_err(blame)
}

fn has_table(file: &ProfileFile, table: &str) -> bool {
    match table {
        "decode" => file.decode.is_some(),
        "op" => file.op.is_some(),
        "encode" => file.encode.is_some(),
        "probe" => file.probe.is_some(),
        "surface" => file.surface.is_some(),
        "device" => file.device.is_some(),
        _ => false,
    }
}

fn fault(key: impl Into<String>, what: impl Into<String>) -> Finding {
    Err((key.into(), what.into()))
}

fn identity(file: &ProfileFile) -> Finding {
    let id = &file.id;
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > 40 || !id.chars().all(letters) {
        return fault("id", format!("{id:?} is no id: it has lower case letters, digits and dashes, at most 40"));
    }
    if id == "auto" {
        return fault("id", "\"auto\" stands for a choice among all profiles");
    }
    for (at, platform) in file.platforms.iter().flatten().enumerate() {
        let (system, processor) = platform.split_once('-').unwrap_or((platform, "x86_64"));
        if !SYSTEMS.contains(&system) || !PROCESSORS.contains(&processor) {
            let known = format!("{platform:?} is no platform: systems are {SYSTEMS:?}, processors {PROCESSORS:?}");
            return fault(format!("platforms[{at}]"), known);
        }
    }
    Ok(())
}

/// Every condition of a file, with its key.
fn all_conditions(file: &ProfileFile) -> Vec<(String, &Condition)> {
    let mut all = Vec::new();
    if let Some(device) = &file.device {
        all.extend(numbered("device.match".to_owned(), &device.matches));
        let exclusions = device.exclude.iter().enumerate();
        all.extend(exclusions.flat_map(|(at, e)| numbered(format!("device.exclude[{at}].when"), &e.when)));
    }
    let maps = file.surface.iter().flat_map(|surface| &surface.map).enumerate();
    all.extend(maps.flat_map(|(at, map)| numbered(format!("surface.map[{at}].when"), &map.when)));
    let decoders = file.decode.iter().flatten().enumerate();
    all.extend(decoders.flat_map(|(at, decode)| numbered(format!("decode[{at}].when"), &decode.when)));
    let ops = file.op.iter().flatten().enumerate();
    all.extend(ops.flat_map(|(at, op)| numbered(format!("op[{at}].when"), &op.when)));
    let encoders = file.encode.iter().flatten().enumerate();
    all.extend(encoders.flat_map(|(at, encode)| numbered(format!("encode[{at}].when"), &encode.when)));
    let limits = file.limits.iter().flatten();
    all.extend(limits.flat_map(|(name, limit)| numbered(format!("limits.{name}.unlimited_if"), &limit.unlimited_if)));
    let quirks = file.quirk.iter().flatten().enumerate();
    all.extend(quirks.flat_map(|(at, quirk)| numbered(format!("quirk[{at}].when"), &quirk.when)));
    all
}

fn numbered(key: String, conditions: &[Condition]) -> Vec<(String, &Condition)> {
    conditions.iter().enumerate().map(|(at, condition)| (format!("{key}[{at}]"), condition)).collect()
}

fn conditions(file: &ProfileFile) -> Finding {
    all_conditions(file).into_iter().try_for_each(|(key, condition)| one_condition(&key, condition))
}

fn one_condition(key: &str, condition: &Condition) -> Finding {
    let Condition { field, op, value } = condition;
    is_field(&format!("{key}.field"), field)?;
    let fits = match op {
        Operator::Regex | Operator::NotRegex => match value {
            Fact::Text(pattern) => match Pattern::parse(pattern) {
                Ok(_) => true,
                Err(error) => return fault(format!("{key}.value"), error.to_string()),
            },
            _ => false,
        },
        Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => match value {
            Fact::Text(version) => crate::Version::parse(version).is_some(),
            Fact::Number(_) => true,
            Fact::Flag(_) | Fact::Several(_) => false,
        },
        Operator::In | Operator::NotIn => matches!(value, Fact::Several(_)),
        Operator::Eq | Operator::Ne | Operator::Has | Operator::HasNot => !matches!(value, Fact::Several(_)),
    };
    if fits { Ok(()) } else { fault(format!("{key}.value"), "this operator does not compare with such a value") }
}

fn is_field(key: &str, field: &str) -> Finding {
    if field.starts_with("capture.") || FIELDS.iter().any(|(known, _)| *known == field) {
        return Ok(());
    }
    let known: Vec<_> = FIELDS.iter().map(|(field, _)| *field).collect();
    fault(key, format!("{field:?} is no field; there are capture.* and {}", known.join(", ")))
}

fn templates(file: &ProfileFile) -> Finding {
    use Placeholder::{Alg, Bitrate, Bufsize, Depth, Device, Fmt, Fps, Gop, H, Init, Level, Maxrate, Opacity, W, X, Y};
    let check = |key: String, templates: &[Template], allowed: &[Placeholder]| {
        let mut numbered = templates.iter().enumerate();
        numbered.try_for_each(|(at, template)| places(&format!("{key}[{at}]"), template, allowed))
    };
    if let Some(device) = &file.device {
        check("device.init".to_owned(), &device.init, &[Device])?;
    }
    if let Some(surface) = &file.surface {
        places("surface.upload", &surface.upload, &[Fmt])?;
        places("surface.download", &surface.download, &[Fmt])?;
        if let Some(after) = &surface.after_decode {
            places("surface.after_decode", after, &[Fmt])?;
        }
        for (at, map) in surface.map.iter().enumerate() {
            check(format!("surface.map[{at}].init"), &map.init, &[Device])?;
            places(&format!("surface.map[{at}].there"), &map.there, &[Fmt])?;
            places(&format!("surface.map[{at}].back"), &map.back, &[Fmt])?;
        }
    }
    for (at, probe) in file.probe.iter().flatten().enumerate() {
        if let Probe::Run { args, .. } = probe {
            check(format!("probe[{at}].args"), args, &[Device, Init])?;
        }
    }
    for (at, decode) in file.decode.iter().flatten().enumerate() {
        check(format!("decode[{at}].args"), &decode.args, &[Device])?;
    }
    for (at, op) in file.op.iter().flatten().enumerate() {
        let allowed: &[Placeholder] = match op.op {
            OpKind::Scale => &[W, H, Fmt],
            OpKind::Pad | OpKind::Crop => &[W, H, X, Y],
            OpKind::Deinterlace | OpKind::Hold => &[],
            OpKind::Overlay => &[X, Y, Opacity],
            OpKind::Tonemap => &[Alg, Fmt],
            OpKind::Format => &[Fmt],
        };
        places(&format!("op[{at}].expr"), &op.expr, allowed)?;
        if !op.expr.to_string().contains(&op.filter) {
            return fault(format!("op[{at}].expr"), format!("it does not use the filter {}", op.filter));
        }
    }
    for (at, encode) in file.encode.iter().flatten().enumerate() {
        let allowed = [Bitrate, Maxrate, Bufsize, Gop, Fps, Level, Depth];
        check(format!("encode[{at}].args"), &encode.args, &allowed)?;
        for (mode, args) in &encode.rate {
            check(format!("encode[{at}].rate.{}", format!("{mode:?}").to_lowercase()), args, &allowed)?;
        }
    }
    Ok(())
}

fn places(key: &str, template: &Template, allowed: &[Placeholder]) -> Finding {
    match template.places().find(|place| !allowed.contains(place)) {
        Some(place) => fault(key, format!("{{{}}} has no value here", place.name())),
        None if template.places().any(|place| place == Placeholder::Init) && template.as_place().is_none() => {
            fault(key, "{init} stands for several arguments and must be one of its own")
        }
        None => Ok(()),
    }
}

fn captures(file: &ProfileFile) -> Finding {
    for (at, probe) in file.probe.iter().flatten().enumerate() {
        for (place, Capture { fact, .. }) in probe.captures().iter().enumerate() {
            is_field(&format!("probe[{at}].capture[{place}].fact"), fact)?;
        }
        if matches!(probe, Probe::Read { path, .. } if !path.starts_with('/')) {
            return fault(format!("probe[{at}].path"), "it must be absolute");
        }
    }
    Ok(())
}

fn coders(file: &ProfileFile) -> Finding {
    let depths_fit = |depths: &[u8]| !depths.is_empty() && depths.iter().all(|depth| matches!(depth, 8 | 10));
    for (at, decode) in file.decode.iter().flatten().enumerate() {
        if !depths_fit(&decode.depth) {
            return fault(format!("decode[{at}].depth"), "depths are 8 and 10");
        }
        if decode.codecs.is_empty() {
            return fault(format!("decode[{at}].codecs"), "it names no codec");
        }
    }
    for (at, op) in file.op.iter().flatten().enumerate() {
        if !depths_fit(&op.depth) || op.makes_depth.is_some_and(|depth| !depths_fit(&[depth])) {
            return fault(format!("op[{at}].depth"), "depths are 8 and 10");
        }
    }
    for (at, encode) in file.encode.iter().flatten().enumerate() {
        if !depths_fit(&encode.depth) {
            return fault(format!("encode[{at}].depth"), "depths are 8 and 10");
        }
        let unknown = encode.rate_prefer.iter().find(|mode| !encode.rate.contains_key(mode));
        if unknown.is_some() || encode.rate_prefer.is_empty() {
            return fault(format!("encode[{at}].rate_prefer"), "it must name ways that stand in rate, one at least");
        }
    }
    Ok(())
}

fn names(file: &ProfileFile) -> Finding {
    let twice = |names: Vec<&str>| (1..names.len()).find(|at| names[..*at].contains(&names[*at]));
    let probes: Vec<_> = file.probe.iter().flatten().map(Probe::id).collect();
    if let Some(at) = twice(probes) {
        return fault(format!("probe[{at}].id"), "another probe has this id");
    }
    let quirks: Vec<_> = file.quirk.iter().flatten().map(|quirk| quirk.id.as_str()).collect();
    if let Some(at) = twice(quirks) {
        return fault(format!("quirk[{at}].id"), "another quirk has this id");
    }
    let silent = |text: &str| text.trim().is_empty();
    match file.quirk.iter().flatten().position(|quirk| silent(&quirk.source) || silent(&quirk.title)) {
        Some(at) => fault(format!("quirk[{at}].source"), "a quirk says what goes wrong and who says so"),
        None => Ok(()),
    }
}

fn parts_are_named(profile: &Profile) -> Finding {
    let build = &profile.build;
    let named: BTreeSet<_> = build.need.parts().chain(build.may.parts()).collect();
    let missing = |key: String, kind: &'static str, name: &str| {
        if named.contains(&(kind, name)) {
            Ok(())
        } else {
            fault(key, format!("the {kind} {name} stands in neither build.need nor build.may"))
        }
    };
    for (at, op) in profile.ops.iter().enumerate() {
        missing(format!("op[{at}].filter"), "filter", &op.filter)?;
        op.also.iter().try_for_each(|filter| missing(format!("op[{at}].also"), "filter", filter))?;
    }
    for (at, encode) in profile.encoders.iter().enumerate() {
        missing(format!("encode[{at}].encoder"), "encoder", &encode.encoder)?;
    }
    for (at, decode) in profile.decoders.iter().enumerate() {
        if let Some(decoder) = &decode.decoder {
            missing(format!("decode[{at}].decoder"), "decoder", decoder)?;
        }
    }
    Ok(())
}

fn surfaces_are_there(profile: &Profile) -> Finding {
    let surface = profile.surface.as_ref();
    let none = "there is no table surface";
    if let Some(at) = profile.decoders.iter().position(|decode| decode.yields == Where::Surface && surface.is_none()) {
        return fault(format!("decode[{at}].yields"), none);
    }
    if let Some(at) = profile.encoders.iter().position(|encode| encode.on == Where::Surface && surface.is_none()) {
        return fault(format!("encode[{at}].on"), none);
    }
    for (at, op) in profile.ops.iter().enumerate() {
        let known = match (&op.on, surface) {
            (Some(on), _) if on == "system" => true,
            (Some(on), Some(surface)) => *on == surface.name || surface.map.iter().any(|map| map.to == *on),
            (Some(_), None) => false,
            // Without a surface everything is in system memory.
            (None, _) => true,
        };
        if !known {
            return fault(
                format!("op[{at}].on"),
                "it is neither \"system\" nor the profile's surface nor one that is mapped",
            );
        }
    }
    let takes_device = |template: &Template| template.places().any(|place| place == Placeholder::Device);
    let has_device = !matches!(
        profile.device.enumerate,
        Enumerate::None | Enumerate::Rockchip | Enumerate::Videotoolbox | Enumerate::V4l2
    );
    match profile.device.init.iter().position(takes_device) {
        Some(at) if !has_device => {
            fault(format!("device.init[{at}]"), "such devices have no {device}: there is one, or FFmpeg finds it")
        }
        _ => Ok(()),
    }
}

/// A probe comes behind those that it is after.
fn probes_have_an_order(profile: &Profile) -> Finding {
    let ids: BTreeSet<_> = profile.probes.iter().map(Probe::id).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<(usize, &Probe)> = profile.probes.iter().enumerate().collect();
    for (at, probe) in &left {
        if let Some(unknown) = probe.after().iter().find(|id| !ids.contains(id.as_str())) {
            return fault(format!("probe[{at}].after"), format!("there is no probe {unknown:?}"));
        }
    }
    while !left.is_empty() {
        let ready = |probe: &Probe, done: &BTreeSet<&str>| probe.after().iter().all(|id| done.contains(id.as_str()));
        let before = left.len();
        let now: Vec<_> = left.iter().filter(|(_, probe)| ready(probe, &done)).map(|(_, probe)| probe.id()).collect();
        done.extend(now);
        left.retain(|(_, probe)| !done.contains(probe.id()));
        if left.len() == before {
            let (at, probe) = left[0];
            return fault(format!("probe[{at}].after"), format!("{:?} waits for itself", probe.id()));
        }
    }
    Ok(())
}

fn limits_are_there(profile: &Profile) -> Finding {
    let unknown = |session: &Option<String>| session.as_ref().is_some_and(|name| !profile.limits.contains_key(name));
    match profile.encoders.iter().position(|encode| unknown(&encode.session)) {
        Some(at) => fault(format!("encode[{at}].session"), "there is no such table in limits"),
        None => Ok(()),
    }
}

fn captures_are_made(profile: &Profile) -> Finding {
    let made: BTreeSet<_> =
        profile.probes.iter().flat_map(Probe::captures).map(|capture| capture.fact.as_str()).collect();
    let asked = |conditions: &[Condition]| {
        conditions.iter().any(|c| c.field.starts_with("capture.") && !made.contains(c.field.as_str()))
    };
    match profile.quirks.iter().find(|quirk| asked(&quirk.when)) {
        Some(quirk) => fault("quirk", format!("{} asks about something that no probe captures", quirk.id)),
        None => Ok(()),
    }
}

/// What stands in for everything else must be there.
fn software(profile: &Profile) -> Finding {
    if profile.id == super::SOFTWARE && (!profile.is_software() || profile.rank == 0 || profile.encoders.is_empty()) {
        return fault(
            "device.enumerate",
            "software needs no device, has a rank and encodes: it stands in for everything else",
        );
    }
    Ok(())
}
