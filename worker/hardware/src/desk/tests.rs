//! Sessions, memories and quarantines, in virtual time.

use std::sync::LazyLock;

use exstreamtv_model::media::{Color, Disposition, StreamKind};
use proptest::prelude::*;

use super::*;
use crate::{Facts, Profiles};

fn kind(codec: &str) -> Kind {
    let video = VideoStream {
        width: 2,
        height: 2,
        sample_aspect: (1, 1),
        rotation_degrees: 0,
        frame_rate: None,
        first_picture_ms: 0,
        pixel_format: Some("yuv420p".into()),
        field_order: FieldOrder::Progressive,
        color: Color::default(),
    };
    let stream = Stream {
        index: 0,
        codec: codec.to_owned(),
        profile: None,
        language: None,
        title: None,
        disposition: Disposition::default(),
        kind: StreamKind::Video(video.clone()),
    };
    Kind::of(&stream, &video, &[])
}

/// NVIDIA cards with a driver that lets three encoders run.
fn desk(cards: u32) -> Desk {
    static SHIPPED: LazyLock<Profiles> = LazyLock::new(Profiles::shipped);
    let cuda = SHIPPED.get("cuda").unwrap();
    let mut facts = Facts::default();
    facts.set("driver.version", "525.60");
    facts.set("ffmpeg.version", "6.1");
    facts.set("device.name", "NVIDIA GeForce RTX 3060");
    let card = |index: u32| (cuda.clone(), Capabilities::promised(cuda, &index.to_string(), facts.clone()));
    let mut desk = Desk::default();
    desk.use_cards((0..cards).map(card).collect());
    desk
}

fn id(assignment: &Assignment) -> Option<(&str, Rung)> {
    assignment.card.as_ref().map(|card| (card.id.as_str(), card.rung))
}

const FULL: &str = "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)";
const LOST: &str = "[AVHWDeviceContext @ 0x1] cuCtxPushCurrent failed -> CUDA_ERROR_UNKNOWN: unknown error";

fn failing(words: &str, gave: bool) -> Failing<'_> {
    Failing { words, gave, completed: false }
}

#[test]
fn sessions_are_counted_over_all_cards_and_balanced_between_them() {
    let mut desk = desk(2);
    let film = kind("h264");
    let given: Vec<_> = (0..4).map(|_| desk.assign(&film, None, 0)).collect();
    let cards: Vec<_> = given.iter().map(|given| id(given).map(|(id, _)| id)).collect();
    assert_eq!(cards, [Some("cuda:0"), Some("cuda:1"), Some("cuda:0"), None], "{given:?}");
    assert!(given[3].why.contains("all 3 of its encoding sessions are taken"), "{}", given[3].why);
    desk.over(given[0].ticket);
    assert_eq!(id(&desk.assign(&film, None, 1)), Some(("cuda:0", Rung::Hw)));
}

#[test]
fn a_session_that_others_took_is_learnt_for_an_hour() {
    let mut desk = desk(1);
    let film = kind("h264");
    let (first, second) = (desk.assign(&film, None, 0), desk.assign(&film, None, 0));
    let blamed = desk.failed(second.ticket, failing(FULL, false), 10).unwrap();
    assert_eq!((blamed.class, blamed.card.as_str()), (FailureClass::Session, "cuda:0"));
    assert!(desk.assign(&film, None, 20).card.is_none(), "one is all there is");
    desk.over(first.ticket);
    let again = desk.assign(&film, None, 30);
    assert_eq!(id(&again), Some(("cuda:0", Rung::Hw)), "nothing is wrong with the card");
    assert!(desk.assign(&film, None, LEARNT_FOR_MS + 20).card.is_some(), "after an hour it is tried again");
}

#[test]
fn what_failed_is_left_out_for_that_kind_of_source_and_for_an_hour() {
    let cases = [
        ("Failed setup for format cuda: hwaccel initialisation returned error.", Rung::SwdecHwenc),
        ("Impossible to convert between the formats supported by the filter", Rung::HwdecSwfilterHwenc),
    ];
    for (words, rung) in cases {
        let mut desk = desk(1);
        let (film, other) = (kind("hevc"), kind("h264"));
        let given = desk.assign(&film, None, 0);
        let blamed = desk.failed(given.ticket, failing(words, true), 5).unwrap();
        assert!(blamed.consequence.contains(rung.word()), "{blamed:?}");
        assert_eq!(id(&desk.assign(&film, None, 6)), Some(("cuda:0", rung)), "{words}");
        assert_eq!(id(&desk.assign(&other, None, 6)), Some(("cuda:0", Rung::Hw)), "{words}");
        assert_eq!(id(&desk.assign(&film, None, 3_600_006)), Some(("cuda:0", Rung::Hw)), "{words}");
    }
}

#[test]
fn a_rung_that_fails_too_leads_to_the_next_and_at_last_to_software() {
    let mut desk = desk(1);
    let film = kind("hevc");
    let mut rungs = Vec::new();
    for at in 0..8 {
        let given = desk.assign(&film, None, at);
        rungs.push(given.card.as_ref().map(|card| card.rung));
        desk.failed(given.ticket, failing("it just stopped", true), at);
    }
    // The first time is anybody's; from then on each failure is another one.
    let all = [Rung::Hw, Rung::Hw, Rung::SwdecHwenc, Rung::HwdecSwfilterHwenc].map(Some);
    assert_eq!(rungs, [&all[..], &[None; 4]].concat());
    let mut desk = self::desk(1);
    let given = desk.assign(&film, None, 0);
    desk.failed(given.ticket, failing("it said yes and gave nothing", false), 0);
    assert!(desk.assign(&film, None, 1).card.is_none(), "nobody waits for one rung after the other");
}

#[test]
fn anything_may_kill_a_process_once() {
    let mut desk = desk(1);
    let film = kind("h264");
    let fail = |desk: &mut Desk, at| {
        let given = desk.assign(&film, None, at);
        (given.card.unwrap().rung, desk.failed(given.ticket, failing("", true), at).is_some())
    };
    assert_eq!(fail(&mut desk, 0), (Rung::Hw, false));
    assert_eq!(fail(&mut desk, UNCLEAR_WITHIN_MS + 1), (Rung::Hw, false), "long ago");
    assert_eq!(fail(&mut desk, UNCLEAR_WITHIN_MS + 2), (Rung::Hw, true));
    assert_eq!(desk.assign(&film, None, UNCLEAR_WITHIN_MS + 3).card.unwrap().rung, Rung::SwdecHwenc);
}

#[test]
fn a_damaged_file_is_not_the_cards_fault() {
    let mut desk = desk(1);
    let film = kind("h264");
    let given = desk.assign(&film, None, 0);
    assert_eq!(desk.failed(given.ticket, failing("moov atom not found", false), 0), None);
    assert_eq!(id(&desk.assign(&film, None, 1)), Some(("cuda:0", Rung::Hw)));
}

#[test]
fn a_card_that_fails_twice_is_left_alone_ever_longer() {
    let mut desk = desk(1);
    let mut now = 0;
    for for_s in [60, 300, 1_800, 1_800] {
        for (codec, is_second) in [("h264", false), ("hevc", true)] {
            let given = desk.assign(&kind(codec), None, now);
            assert!(given.card.is_some(), "{codec} at {now}: {}", given.why);
            let blamed = desk.failed(given.ticket, failing(LOST, true), now).unwrap();
            assert_eq!(blamed.consequence.contains(&format!("left alone for {for_s} s")), is_second, "{blamed:?}");
        }
        let standing = &desk.standing(now)[0];
        assert_eq!((standing.quarantined_for_ms, standing.avoided.len()), (for_s * 1_000, 2));
        assert!(desk.assign(&kind("vp9"), None, now + for_s * 1_000 - 1).card.is_none(), "left alone");
        now += 3_600_001;
    }
}

proptest! {
    #[test]
    fn a_limit_is_never_exceeded_and_nothing_is_held_for_ever(
        deeds in prop::collection::vec((0..4_u8, 0..40_usize, 0..3_usize, 0..120_000_i64), 1..300),
        cards in 1..4_u32,
    ) {
        let mut desk = desk(cards);
        let kinds = ["h264", "hevc", "vp9"].map(kind);
        let words = [FULL, LOST, "Failed setup for format cuda", "who knows"];
        let (mut now, mut running) = (0, Vec::new());
        for (deed, which, kind, step) in deeds {
            now += step;
            match deed {
                0 | 1 => running.push(desk.assign(&kinds[kind], None, now)),
                _ if running.is_empty() => {}
                2 => desk.over(running.remove(which % running.len()).ticket),
                _ => _ = desk.failed(running.remove(which % running.len()).ticket, failing(words[which % 4], which % 2 == 0), now),
            }
            let on_cards = running.iter().filter(|given: &&Assignment| given.card.is_some()).count();
            prop_assert!(on_cards <= 3, "three sessions are all there are");
            let counted: u32 = desk.standing(now).iter().map(|card| card.sessions).sum();
            prop_assert_eq!(usize::try_from(counted).unwrap(), on_cards);
        }
        running.into_iter().for_each(|given| desk.over(given.ticket));
        // A day later all is forgotten.
        let later = desk.assign(&kinds[0], None, now + 86_400_000);
        prop_assert_eq!(later.card.map(|card| card.rung), Some(Rung::Hw));
    }
}

#[test]
fn a_channel_can_have_a_card_of_its_own_or_none() {
    let mut desk = desk(2);
    let film = kind("h264");
    assert_eq!(id(&desk.assign(&film, Some("cuda:1"), 0)), Some(("cuda:1", Rung::Hw)));
    assert_eq!(id(&desk.assign(&film, Some("cuda"), 0)), Some(("cuda:0", Rung::Hw)));
    let none = desk.assign(&film, Some("software"), 0);
    assert_eq!((none.card, none.why.as_str()), (None, "the configuration says software"));
    let absent = desk.assign(&film, Some("qsv"), 0);
    assert!(absent.card.is_none() && absent.why.contains("no such card"), "{absent:?}");
}

#[test]
fn a_run_that_played_to_its_end_counts_only_where_ffmpeg_decoded_in_silence() {
    let mut desk = desk(1);
    let film = kind("hevc");
    for words in [LOST, "", "error while decoding MB 3 4"] {
        let given = desk.assign(&film, None, 0);
        assert_eq!(desk.failed(given.ticket, Failing { words, gave: true, completed: true }, 0), None, "{words}");
    }
    let given = desk.assign(&film, None, 0);
    assert_eq!(id(&given), Some(("cuda:0", Rung::Hw)));
    let words = "Failed setup for format cuda: hwaccel initialisation returned error.";
    assert!(desk.failed(given.ticket, Failing { words, gave: true, completed: true }, 0).is_some());
    assert_eq!(id(&desk.assign(&film, None, 1)), Some(("cuda:0", Rung::SwdecHwenc)));
}
