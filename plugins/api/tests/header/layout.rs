//! The Rust mirror has the layout and the constants of the header. A C compiler is asked, not believed.

use std::{collections::BTreeMap, fmt::Write, mem::offset_of};

use exstreamtv_plugin_api::{
    ABI_MAJOR, ABI_MINOR, CONTRACT_PICKER, CONTRACT_RESOLVER, CONTRACT_SCHEDULER, Descriptor, ENCODING_JSON,
    ENTRY_SYMBOL, Entry, HEADER, Host, Instance, LogLevel, MAGIC, METHOD_PICK_AUDIO, METHOD_PICK_SUBTITLE, METHOD_PLAN,
    METHOD_PREPARE, METHOD_PROPOSE, PERMISSION_NONE, QUERY_POOL_PAGE, Sink, Slice, Status,
};

use crate::compiler::Compiler;

/// A struct as both sides see it: the header's name, its size, its members with their offsets.
struct Mirror {
    name: &'static str,
    size: usize,
    members: Vec<(&'static str, usize)>,
}

macro_rules! mirror {
    ($header:literal = $rust:ident { $($member:ident),* }) => {
        Mirror {
            name: $header,
            size: size_of::<$rust>(),
            members: vec![$((stringify!($member), offset_of!($rust, $member))),*],
        }
    };
}

fn structs() -> Vec<Mirror> {
    vec![
        mirror!("exstreamtv_slice" = Slice { data, len }),
        mirror!("exstreamtv_sink" = Sink { struct_size, reserved, context, append }),
        mirror!("exstreamtv_host" = Host { struct_size, abi_minor, context, log, query, get_extension }),
        mirror!(
            "exstreamtv_descriptor" = Descriptor {
                struct_size,
                min_host_minor,
                id,
                name,
                version,
                vendor,
                licence,
                url,
                contract,
                encodings,
                permissions
            }
        ),
        mirror!("exstreamtv_instance" = Instance { struct_size, reserved, data, call, get_extension, destroy }),
        mirror!("exstreamtv_entry" = Entry { magic, struct_size, abi_major, abi_minor, count, describe, create }),
    ]
}

fn numbers() -> Vec<(&'static str, i128)> {
    vec![
        ("ABI_MAJOR", ABI_MAJOR.into()),
        ("ABI_MINOR", ABI_MINOR.into()),
        ("PLUGIN_MAGIC", MAGIC.into()),
        ("ENCODING_JSON", ENCODING_JSON.into()),
        ("PERMISSION_NONE", PERMISSION_NONE.into()),
        ("OK", Status::OK.0.into()),
        ("UNKNOWN_METHOD", Status::UNKNOWN_METHOD.0.into()),
        ("BAD_INPUT", Status::BAD_INPUT.0.into()),
        ("FAILED", Status::FAILED.0.into()),
        ("TIMEOUT", Status::TIMEOUT.0.into()),
        ("PANIC", Status::PANIC.0.into()),
        ("SINK_REFUSED", Status::SINK_REFUSED.0.into()),
        ("UNKNOWN_ID", Status::UNKNOWN_ID.0.into()),
        ("LOG_ERROR", LogLevel::ERROR.0.into()),
        ("LOG_WARN", LogLevel::WARN.0.into()),
        ("LOG_INFO", LogLevel::INFO.0.into()),
        ("LOG_DEBUG", LogLevel::DEBUG.0.into()),
    ]
}

fn texts() -> Vec<(&'static str, &'static str)> {
    vec![
        ("ENTRY_SYMBOL", ENTRY_SYMBOL),
        ("CONTRACT_SCHEDULER", CONTRACT_SCHEDULER),
        ("CONTRACT_PICKER", CONTRACT_PICKER),
        ("CONTRACT_RESOLVER", CONTRACT_RESOLVER),
        ("METHOD_PREPARE", METHOD_PREPARE),
        ("METHOD_PLAN", METHOD_PLAN),
        ("METHOD_PICK_AUDIO", METHOD_PICK_AUDIO),
        ("METHOD_PICK_SUBTITLE", METHOD_PICK_SUBTITLE),
        ("METHOD_PROPOSE", METHOD_PROPOSE),
        ("QUERY_POOL_PAGE", QUERY_POOL_PAGE),
    ]
}

/// What Rust says, one line per fact.
fn expected() -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for Mirror { name, size, members } in structs() {
        facts.insert(name.to_owned(), size.to_string());
        facts.extend(members.iter().map(|(member, offset)| (format!("{name}.{member}"), offset.to_string())));
    }
    facts.extend(numbers().into_iter().map(|(name, number)| (name.to_owned(), number.to_string())));
    facts.extend(texts().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())));
    facts
}

/// A program that prints what C says, in the same form.
fn program() -> String {
    let mut body = String::new();
    for Mirror { name, members, .. } in structs() {
        writeln!(body, r#"printf("{name}=%zu\n", sizeof({name}));"#).unwrap();
        for (member, _) in members {
            writeln!(body, r#"printf("{name}.{member}=%zu\n", offsetof({name}, {member}));"#).unwrap();
        }
    }
    for (name, _) in numbers() {
        writeln!(body, r#"printf("{name}=%lld\n", (long long)EXSTREAMTV_{name});"#).unwrap();
    }
    for (name, _) in texts() {
        writeln!(body, r#"printf("{name}=%s\n", EXSTREAMTV_{name});"#).unwrap();
    }
    format!("#include <stdio.h>\n#include \"exstreamtv_plugin.h\"\nint main(void) {{\n{body}return 0;\n}}\n")
}

#[test]
fn rust_and_c_agree_on_every_size_offset_and_constant() {
    let Some(cc) = Compiler::c11() else { return };
    let printed = cc.run(&program());
    let said: BTreeMap<String, String> = printed
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(said, expected());
}

#[test]
fn the_mirror_knows_every_member_and_every_constant_of_the_header() {
    let described = expected();
    let name_of = |line: &str| -> Option<String> {
        let rest = line.strip_prefix("#define EXSTREAMTV_")?;
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        Some(name.to_owned())
    };
    // These are of use to a compiler only.
    let not_mirrored = ["PLUGIN_H", "EXPORT", "TEXT"];
    let defined = HEADER.lines().filter_map(name_of).filter(|name| !not_mirrored.contains(&name.as_str()));
    let unknown: Vec<_> = defined.filter(|name| !described.contains_key(name)).collect();
    assert!(unknown.is_empty(), "the mirror lacks {unknown:?}");

    let (_, code) = HEADER.split_once("#ifndef EXSTREAMTV_PLUGIN_H").unwrap();
    let members: Vec<_> = structs().iter().flat_map(|mirror| &mirror.members).map(|(name, _)| *name).collect();
    assert_eq!(code.lines().filter_map(member).collect::<Vec<_>>(), members);
}

/// Returns the name of the member that begins on this line of the header: "void (*log)(…" or "size_t len;".
fn member(line: &str) -> Option<&str> {
    let code = line.strip_prefix("    ").filter(|code| code.starts_with(|c: char| c.is_ascii_lowercase()))?;
    if let Some((_, function)) = code.split_once("(*") {
        return function.split(')').next();
    }
    let (declaration, _) = code.split_once(';')?;
    declaration.rsplit([' ', '*']).next()
}

#[test]
fn a_struct_that_is_twice_as_large_still_begins_with_what_is_known_now() {
    // The rule that old plugins rely on: the size stands at a fixed place, whatever comes behind.
    let sizes_first =
        [offset_of!(Sink, struct_size), offset_of!(Host, struct_size), offset_of!(Descriptor, struct_size)];
    assert_eq!(sizes_first, [0; 3]);
    assert_eq!(offset_of!(Instance, struct_size), 0);
    assert_eq!((offset_of!(Entry, magic), offset_of!(Entry, struct_size)), (0, 4));
}

#[test]
fn the_header_is_clean_c11_and_clean_cpp17_by_itself() {
    let alone = "#include \"exstreamtv_plugin.h\"\nextern int unused;\n";
    let twice = "#include \"exstreamtv_plugin.h\"\n#include \"exstreamtv_plugin.h\"\nextern int unused;\n";
    for compiler in [Compiler::c11(), Compiler::cpp17()].into_iter().flatten() {
        compiler.compile(alone);
        compiler.compile(twice);
    }
}

#[test]
fn a_descriptor_can_be_written_as_a_constant_in_both_languages() {
    let constant = r#"
        #include "exstreamtv_plugin.h"
        extern const exstreamtv_descriptor marathon;
        const exstreamtv_descriptor marathon = {
            sizeof(exstreamtv_descriptor), 0, EXSTREAMTV_TEXT("org.example.marathon"), EXSTREAMTV_TEXT("Marathon"),
            EXSTREAMTV_TEXT("1.2.0"), EXSTREAMTV_TEXT("Example"), EXSTREAMTV_TEXT("MIT"), EXSTREAMTV_TEXT(""),
            EXSTREAMTV_TEXT(EXSTREAMTV_CONTRACT_SCHEDULER), EXSTREAMTV_ENCODING_JSON, EXSTREAMTV_PERMISSION_NONE,
        };
    "#;
    for compiler in [Compiler::c11(), Compiler::cpp17()].into_iter().flatten() {
        compiler.compile(constant);
    }
}
