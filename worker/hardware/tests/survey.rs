//! The survey, with answers that are made up.

#![expect(clippy::unwrap_used, reason = "tests")]

use exstreamtv_hardware::{
    Detection, Facts, Profiles, ReasonKind, Verdict, choose,
    detect::{Access, Answer, Found, Node, Question, Run, Survey, System},
    profile::{Enumerate, OpKind},
};
use proptest::prelude::*;

fn drm(vendor: &str, number: u32) -> Found {
    let mut facts = Facts::default();
    facts.set("device.vendor", vendor);
    facts.set("device.driver", "i915");
    let device = format!("/dev/dri/renderD{number}");
    let node = Node { path: device.clone(), access: Access::Open };
    Found { enumerate: Enumerate::Drm, device, nodes: vec![node], facts }
}

fn nvidia(index: u32) -> Found {
    let node = Node { path: format!("/dev/nvidia{index}"), access: Access::Open };
    Found { enumerate: Enumerate::Nvidia, device: index.to_string(), nodes: vec![node], facts: Facts::default() }
}

fn system(devices: Vec<Found>) -> System {
    System {
        platform: "linux-x86_64".to_owned(),
        kernel: Some("6.1.0".to_owned()),
        user: "exstreamtv".to_owned(),
        disabled_quirks: vec![],
        devices,
    }
}

fn said(exit: i32, stdout: &str, stderr: &str) -> Answer {
    Answer::Ran { exit: Some(exit), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

/// An FFmpeg with everything.
fn list(option: &str) -> Option<Answer> {
    let coders = |names: &[&str]| names.iter().map(|name| format!(" V....D {name}  x\n")).collect::<String>();
    let filters = |names: &[&str]| names.iter().map(|name| format!(" ... {name}  V->V x\n")).collect::<String>();
    let text = match option {
        "-version" => "ffmpeg version 6.1.1 Copyright".to_owned(),
        "-hwaccels" => "Hardware acceleration methods:\ncuda\nvaapi\nqsv\nvulkan\n".to_owned(),
        "-encoders" => {
            coders(&["libx264", "libx265", "h264_nvenc", "hevc_nvenc", "h264_vaapi", "hevc_vaapi", "h264_qsv"])
        }
        "-decoders" => coders(&["h264", "hevc", "libdav1d", "h264_qsv"]),
        "-filters" => filters(&[
            "scale",
            "pad",
            "crop",
            "overlay",
            "format",
            "yadif",
            "scale_cuda",
            "hwupload_cuda",
            "hwupload",
            "hwdownload",
            "scale_vaapi",
            "vpp_qsv",
            "overlay_cuda",
            "yadif_cuda",
        ]),
        "-h" => String::new(),
        _ => return None,
    };
    Some(said(0, &text, ""))
}

const TEN: &str = "  Output stream #0:0 (video): 10 frames encoded; 10 packets muxed\n";

/// What a run says in which everything works.
fn works(run: &Run) -> Answer {
    if let Some(answer) = list(&run.args[1]) {
        return answer;
    }
    let chosen: String =
        ["cuda", "vaapi", "qsv"].map(|name| format!("[h264 @ 0x1] Format {name} chosen by get_format().\n")).concat();
    let listed = "[h264_nvenc @ 0x1] [ GPU #0 - < NVIDIA GeForce RTX 3060 > has Compute SM 8.6 ]\n[h264_nvenc @ 0x1] [ GPU #1 - < Quadro P2000 > has Compute SM 6.1 ]\n";
    let exit = i32::from(run.args.iter().any(|arg| arg == "list"));
    said(
        exit,
        "",
        &format!("{listed}VAAPI driver: Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ().\n{chosen}{TEN}"),
    )
}

/// Surveys a machine; returns what was found out and how many questions it took.
fn survey(system: System, mut answer: impl FnMut(&Run) -> Answer) -> (Detection, Vec<Run>) {
    let mut survey = Survey::new(system, &Profiles::shipped());
    let mut asked = Vec::new();
    while let Some(question) = survey.question() {
        let answer = match question {
            Question::Read { path } if path == "/proc/driver/nvidia/version" => Answer::File(Some(
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version:".to_owned(),
            )),
            Question::Read { .. } => Answer::File(None),
            Question::Run(run) => {
                asked.push(run);
                answer(asked.last().unwrap())
            }
        };
        survey.answer(&answer);
        assert!(asked.len() < 500, "it does not end");
    }
    (survey.finish(), asked)
}

#[test]
fn a_machine_without_a_card_is_asked_for_its_lists_alone() {
    let (found, asked) = survey(system(vec![]), works);
    assert_eq!(asked.len(), 5);
    assert_eq!(found.cards.iter().map(|card| card.id.as_str()).collect::<Vec<_>>(), ["software"]);
    assert_eq!(found.absent.len(), Profiles::shipped().ids().count() - 1);
    assert!(found.absent.iter().all(|absent| !absent.reason.because.is_empty()));
    let software = &found.cards[0];
    assert_eq!(software.encoder("h264", 8).unwrap().0, 0);
    assert!(software.decoder("av1", 10).is_some() && software.decoder("vp9", 8).is_none());
    assert!(found.is_settled());
}

#[test]
fn cards_are_told_apart_and_every_no_has_a_reason() {
    let system = system(vec![nvidia(0), nvidia(1), drm("0x8086", 128), drm("0x8086", 129), drm("0x1002", 130)]);
    let (found, asked) = survey(system, works);
    let ids: Vec<_> = found.cards.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "cuda:0",
            "cuda:1",
            "vaapi-intel:/dev/dri/renderD128",
            "vaapi-intel:/dev/dri/renderD129",
            "qsv:/dev/dri/renderD128",
            "qsv:/dev/dri/renderD129",
            "vaapi-amd:/dev/dri/renderD130",
            "amf:/dev/dri/renderD130",
            "software"
        ]
    );
    let (first, second) = (&found.cards[0], &found.cards[1]);
    assert_eq!(first.name.as_deref(), Some("NVIDIA GeForce RTX 3060"));
    assert_eq!(second.name.as_deref(), Some("Quadro P2000"));
    assert_eq!((first.session_limits.get("nvenc"), second.session_limits.get("nvenc")), (Some(&8), None));
    assert_eq!(first.driver.as_deref(), Some("550.54.14"));
    assert_eq!(first.op(OpKind::Overlay, 8).map(|_| ()), Some(()));
    let no = first.decoders.iter().find(|known| known.codec == "h264" && known.depth == 10).unwrap();
    let Verdict::No { reason } = &no.verdict else { panic!("no card before Blackwell decodes it") };
    assert_eq!(
        (reason.kind, reason.because.as_str()),
        (ReasonKind::Condition, "the version of FFmpeg must be at least 8.0 and is 6.1.1")
    );
    let amf = found.cards.iter().find(|card| card.profile == "amf").unwrap();
    assert_eq!(amf.unusable.as_ref().unwrap().kind, ReasonKind::Build);
    for verdict in found.cards.iter().flat_map(|card| card.verdicts()) {
        assert!(verdict.reason().is_none_or(|reason| !reason.because.is_empty()));
    }
    let decode = asked.iter().find(|run| run.about == "cuda:0 decode hevc 10").unwrap();
    assert_eq!(
        decode.args.join(" "),
        "-hide_banner -nostdin -v debug -init_hw_device cuda=cu:0 -filter_hw_device cu -hwaccel cuda -hwaccel_device cu \
         -hwaccel_output_format cuda -threads 1 -i {clip} -vf format=p010le|cuda,hwupload,scale_cuda=640:360:format=nv12,setsar=1 \
         -an -sn -frames:v 10 -c:v h264_nvenc -preset p4 -tune hq -profile:v high -bf 2 -b_ref_mode 0 -g 50 -forced-idr 1 \
         -no-scenecut 1 -noautoscale -rc vbr -b:v 1000000 -maxrate 1500000 -bufsize 2000000 -f null -"
    );
    assert_eq!(decode.env["CUDA_DEVICE_ORDER"], "PCI_BUS_ID");
    assert_eq!(decode.exclusive.as_deref(), Some("nvenc"));
    let overlay = asked.iter().find(|run| run.about == "cuda:0 overlay 8").unwrap().args.join(" ");
    assert!(
        overlay.contains("[0:v]format=yuv420p,hwupload_cuda[below];[1:v]format=yuva420p,hwupload_cuda[above];[below][above]overlay_cuda=x=0:y=0:eof_action=pass,hwdownload,format=yuv420p[out]"),
        "{overlay}"
    );
}

#[test]
fn quirks_are_heeded_when_a_card_is_tried_and_what_they_leave_to_software_is_not_tried() {
    let with = |disabled: &[&str]| {
        let disabled_quirks = disabled.iter().map(|id| (*id).to_owned()).collect();
        survey(System { disabled_quirks, ..system(vec![drm("0x8086", 128), drm("0x1002", 129)]) }, works)
    };
    let (found, asked) = with(&[]);
    let args =
        |asked: &[Run], about: &str| asked.iter().find(|run| run.about.ends_with(about)).map(|run| run.args.join(" "));
    // FFmpeg 6.1 needs it for Quick Sync, and iHD for captions.
    assert!(args(&asked, "renderD128 decode h264 8").unwrap().contains("vaapi"));
    let qsv = asked.iter().find(|run| run.about == "qsv:/dev/dri/renderD128 decode h264 8").unwrap().args.join(" ");
    assert!(qsv.contains("-c:v h264_qsv -bsf:v dump_extra -i {clip}"), "{qsv}");
    assert!(args(&asked, "vaapi-intel:/dev/dri/renderD128 encode h264 8").unwrap().contains("-sei -a53_cc -f null"));
    let amd = found.card("vaapi-amd").unwrap();
    let overlay = amd.ops.iter().find(|known| known.op == OpKind::Overlay).unwrap().verdict.reason().unwrap();
    assert_eq!(
        (overlay.kind, overlay.because.as_str()),
        (ReasonKind::Build, "this FFmpeg was built without the filter overlay_vaapi")
    );
    let hevc = args(&asked, "vaapi-amd:/dev/dri/renderD129 encode hevc 8").unwrap();
    assert!(hevc.contains("-flags:v -global_header -bsf:v extract_extradata=remove=0"), "{hevc}");
    let (_, asked) = with(&["qsv-dump-extra", "amd-hevc-extradata"]);
    assert!(!args(&asked, "qsv:/dev/dri/renderD128 decode h264 8").unwrap().contains("dump_extra"));
    assert!(!args(&asked, "vaapi-amd:/dev/dri/renderD129 encode hevc 8").unwrap().contains("extract_extradata"));
}

#[test]
fn an_option_is_left_out_with_its_value() {
    let profiles = Profiles::shipped();
    let mut facts = Facts::default();
    facts.set("out.codec", "hevc");
    facts.set("gpu.sm", "7.5");
    let effect = profiles.get("cuda").unwrap().effect_under(&facts, &[]);
    let args = ["-preset", "p4", "-bf", "2", "-b_ref_mode", "0", "-g", "50"].map(str::to_owned).to_vec();
    assert_eq!(effect.on_encoder(args).join(" "), "-preset p4 -g 50 -bf 0");
}

#[test]
fn a_rate_that_is_refused_gives_way_to_the_next_one() {
    let (found, _) = survey(system(vec![drm("0x8086", 128)]), |run| {
        let refused = run.args.iter().any(|arg| arg == "VBR");
        if refused {
            said(1, "", "[h264_vaapi @ 0x1] Driver does not support VBR RC mode (supported modes: CQP, CBR).\n")
        } else {
            works(run)
        }
    });
    let card = found.card("vaapi-intel").unwrap();
    assert_eq!(card.encoder("h264", 8).unwrap().1, exstreamtv_hardware::profile::RateMode::Cbr);
}

#[test]
fn a_card_that_dies_is_left_alone() {
    let (found, asked) = survey(system(vec![nvidia(0)]), |run| {
        if run.about.contains(" encode ") { said(1, "", "CUDA_ERROR_LAUNCH_FAILED: unspecified\n") } else { works(run) }
    });
    let card = found.card("cuda:0").unwrap();
    assert!(!card.is_useful());
    assert_eq!(asked.iter().filter(|run| run.about.contains(" encode ")).count(), 2);
    assert!(asked.iter().all(|run| !run.about.contains(" decode ")), "nobody asks a dead card on");
}

#[test]
fn a_decoder_whose_pictures_go_nowhere_is_looked_at_again_and_not_used() {
    let (found, asked) = survey(system(vec![nvidia(0)]), |run| {
        let chain = run.about.contains("decode hevc 8") && run.args.iter().any(|arg| arg == "h264_nvenc");
        if chain {
            said(1, "", "Impossible to convert between the formats supported by the filter\n")
        } else {
            works(run)
        }
    });
    let card = found.card("cuda").unwrap();
    let hevc = card.decoders.iter().find(|known| known.codec == "hevc" && known.depth == 8).unwrap();
    let reason = hevc.verdict.reason().unwrap();
    assert!(
        reason.kind == ReasonKind::Filter && reason.because.starts_with("it decodes, but its pictures"),
        "{reason:?}"
    );
    assert_eq!(asked.iter().filter(|run| run.about == "cuda:0 decode hevc 8").count(), 2);
    assert!(card.decoder("h264", 8).is_some());
}

#[test]
fn busy_encoders_and_hangs_are_not_settled() {
    let (busy, _) = survey(system(vec![nvidia(0)]), |run| {
        if run.about.contains(" encode ") {
            said(1, "", "OpenEncodeSessionEx failed: out of memory (10): (no details)\n")
        } else {
            works(run)
        }
    });
    assert!(!busy.is_settled());
    let (hung, _) =
        survey(system(vec![nvidia(0)]), |run| if run.about.ends_with("open") { Answer::TimedOut } else { works(run) });
    let reason = hung.cards[0].unusable.as_ref().unwrap();
    assert_eq!(
        (reason.kind, reason.because.as_str()),
        (ReasonKind::TimedOut, "FFmpeg did not answer within 8 s and was killed")
    );
    assert!(!hung.is_settled());
}

#[test]
fn without_ffmpeg_everything_is_absent_with_that_reason() {
    let (found, _) =
        survey(system(vec![nvidia(0)]), |_| Answer::NotStarted { message: "No such file or directory".to_owned() });
    assert_eq!((found.cards.len(), found.ffmpeg), (0, None));
    assert!(found.absent.iter().all(|absent| absent.reason.because.contains("No such file")));
    let (nonsense, _) = survey(system(vec![]), |_| said(0, "avconv version 12\n", ""));
    assert!(nonsense.absent[0].reason.because.contains("avconv"));
}

#[test]
fn the_best_card_that_encodes_is_chosen_and_software_is_always_last() {
    let devices = vec![nvidia(0), nvidia(1), drm("0x8086", 128), drm("0x1002", 130)];
    let (found, _) = survey(system(devices), works);
    let chosen =
        |accel, device| choose(&found, accel, device).cards.iter().map(|card| card.id.as_str()).collect::<Vec<_>>();
    assert_eq!(
        chosen("auto", ""),
        ["cuda:0", "cuda:1", "vaapi-intel:/dev/dri/renderD128", "vaapi-amd:/dev/dri/renderD130", "software"],
        "qsv would be the same card again"
    );
    assert_eq!(chosen("qsv", ""), ["qsv:/dev/dri/renderD128", "software"]);
    assert_eq!(chosen("cuda", "1"), ["cuda:1", "software"]);
    assert_eq!(chosen("cuda:1", ""), ["cuda:1", "software"]);
    assert_eq!(chosen("auto", "/dev/dri/renderD130"), ["vaapi-amd:/dev/dri/renderD130", "software"]);
    assert_eq!(chosen("software", ""), ["software"]);
    let remark = |accel, device| choose(&found, accel, device).remark.unwrap_or_default();
    assert_eq!(remark("software", ""), "");
    assert!(remark("videotoolbox", "").contains("it is for macos"));
    assert!(remark("amf", "").contains("was built without encoder h264_amf"));
    assert_eq!(remark("cuda", "7"), "software is used instead of accel = cuda, device = 7: no such card can be used");
}

fn any_text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("Format cuda chosen by get_format().\n".to_owned()),
        Just("GPU #0 - < x > has Compute SM 8.6 ]\n".to_owned()),
        Just(" frames encoded".to_owned()),
        Just("frame=  10".to_owned()),
        Just("ffmpeg version 6.1".to_owned()),
        Just("Hardware acceleration methods:\n".to_owned()),
        Just(" V....D h264_nvenc x\n ... scale_cuda V->V x\n".to_owned()),
        Just("OpenEncodeSessionEx failed: out of memory (10)".to_owned()),
        Just("VAAPI driver: Mesa 22.3.6 for AMD (".to_owned()),
        Just(" @ 0xé".to_owned()),
        any::<String>(),
        "[0-9 \n@x]{0,40}",
    ];
    prop::collection::vec(fragment, 0..6).prop_map(|parts| parts.concat())
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => (prop::option::of(-1..3_i32), any_text(), any_text()).prop_map(|(exit, stdout, stderr)| Answer::Ran { exit, stdout, stderr }),
        1 => Just(Answer::TimedOut),
        1 => any_text().prop_map(|message| Answer::NoClip { message }),
        1 => any_text().prop_map(|text| Answer::File(Some(text))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_makes_it_panic_or_go_on_for_ever(answers in prop::collection::vec(any_answer(), 1..40), lists in any::<bool>()) {
        let mut at = 0;
        let (found, _) = survey(system(vec![nvidia(0), drm("0x8086", 128), drm("0x1002", 129)]), |run| {
            at += 1;
            let listed = if lists { list(&run.args[1]) } else { None };
            listed.unwrap_or_else(|| answers[at % answers.len()].clone())
        });
        for card in &found.cards {
            prop_assert!(card.verdicts().all(|verdict| verdict.reason().is_none_or(|reason| !reason.because.is_empty())));
        }
        exstreamtv_hardware::report::table(&found, &[]);
    }
}
