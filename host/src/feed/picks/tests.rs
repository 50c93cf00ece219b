//! Picks with pickers that choose the last of everything and count how often they are asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use exstreamtv_model::{
    ChannelId, EntryKind, ItemOrder, MediaProbe, MediaState, OutputProfile, PlayoutEntry, PlayoutEntryId,
    media::{AudioStream, Disposition, Stream, StreamKind},
    pick::{AudioRequest, RankedAudio, RankedSubtitle, StreamRef, SubtitleMode, SubtitleRequest},
};
use futures::{FutureExt, future::BoxFuture};

use super::*;
use crate::playout::instant;

#[derive(Default)]
struct LastOfAll {
    asked: AtomicUsize,
    heard: Mutex<Vec<(AudioRequest, SubtitleRequest)>>,
    audio: Mutex<Option<AudioRequest>>,
}

impl AskPickers for LastOfAll {
    fn pick_audio(&self, request: AudioRequest) -> BoxFuture<'_, AudioAnswer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        *self.audio.lock().unwrap() = Some(request.clone());
        let chosen = request.streams.last().map(|last| StreamRef { absolute: last.absolute, relative: last.relative });
        let ranked = request.streams.iter().map(|each| {
            let stream = StreamRef { absolute: each.absolute, relative: each.relative };
            RankedAudio { stream, chosen: Some(stream) == chosen, reason: String::new() }
        });
        let answer = AudioAnswer { chosen, why: "the last".into(), ranked: ranked.collect(), downmix: None };
        assert_eq!(answer.check(&request), Ok(()));
        async move { answer }.boxed()
    }

    fn pick_subtitle(&self, request: SubtitleRequest) -> BoxFuture<'_, SubtitleAnswer> {
        self.heard.lock().unwrap().push((self.audio.lock().unwrap().clone().unwrap(), request.clone()));
        let chosen = request.streams.last().map(|last| last.source.clone());
        let ranked = request.streams.iter().map(|each| RankedSubtitle {
            source: each.source.clone(),
            chosen: Some(&each.source) == chosen.as_ref(),
            reason: String::new(),
        });
        let answer = SubtitleAnswer { chosen: chosen.clone(), why: "the last".into(), ranked: ranked.collect() };
        assert_eq!(answer.check(&request), Ok(()));
        async move { answer }.boxed()
    }
}

fn stream(index: u32, codec: &str, language: &str, kind: StreamKind) -> Stream {
    let (profile, title, disposition) = (None, None, Disposition::default());
    Stream { index, codec: codec.into(), profile, language: Some(language.into()), title, disposition, kind }
}

/// A film with its streams in odd order: text, sound, a font, sound, an unknown subtitle, images.
fn film(id: i64, path: &std::path::Path) -> MediaItem {
    let sound = || StreamKind::Audio(AudioStream { channels: 2, layout: None, sample_rate_hz: 48_000 });
    let streams = vec![
        stream(0, "subrip", "de", StreamKind::Subtitle),
        stream(1, "aac", "de", sound()),
        stream(2, "ttf", "", StreamKind::Attachment),
        stream(3, "aac", "en", sound()),
        stream(4, "", "fr", StreamKind::Subtitle),
        stream(5, "dvd_subtitle", "en", StreamKind::Subtitle),
    ];
    let probe = MediaProbe { container: "m".into(), duration_ms: 1, bitrate_bps: None, streams, chapters: vec![] };
    MediaItem {
        id: MediaId(id),
        path: path.into(),
        size_bytes: 1,
        mtime_ms: 1,
        state: MediaState::Ready,
        probe: Some(probe),
        metadata: Default::default(),
    }
}

fn planned(media: MediaItem) -> Planned {
    let entry = PlayoutEntry {
        id: PlayoutEntryId(media.id.0),
        channel: ChannelId(1),
        start: instant(0),
        stop: instant(1),
        media: Some(media.id),
        in_point_ms: 0,
        kind: EntryKind::Programme,
        title: String::new(),
        rule: String::new(),
        why: String::new(),
    };
    Planned { entry, media: Some(Arc::new(media)) }
}

fn channel(mode: SubtitleMode) -> Channel {
    let mut tracks = TrackPreferences::default();
    tracks.subtitles.mode = mode;
    Channel {
        id: ChannelId(1),
        number: "1".parse().unwrap(),
        name: String::new(),
        group: String::new(),
        logo: None,
        zone: chrono_tz::UTC,
        profile: OutputProfile::default(),
        collection: None,
        order: ItemOrder::Name,
        schedule: None,
        tracks,
        throttle: Default::default(),
        enabled: true,
    }
}

fn picks() -> (Picks, Arc<LastOfAll>) {
    let pickers = Arc::new(LastOfAll::default());
    (Picks::new(Arc::clone(&pickers) as _, Lifecycle::default()), pickers)
}

#[tokio::test]
async fn candidates_are_named_by_both_places_and_files_beside_come_last() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("film.it.srt"), "").unwrap();
    let (picks, pickers) = picks();
    let wishes = Wishes::from(&channel(SubtitleMode::Preferred));
    let picked = picks.ask(&film(1, &folder.path().join("film.mkv")), &wishes).await.unwrap();

    let (audio, subtitles) = pickers.heard.lock().unwrap().pop().unwrap();
    let places = |request: &AudioRequest| request.streams.iter().map(|s| (s.absolute, s.relative)).collect::<Vec<_>>();
    assert_eq!(places(&audio), [(1, 0), (3, 1)]);
    assert_eq!(audio.output_channels, 2);
    let sidecar = SubtitleSource::Sidecar { name: "film.it.srt".into() };
    let embedded = |absolute, relative| SubtitleSource::Embedded(StreamRef { absolute, relative });
    let sources: Vec<_> = subtitles.streams.iter().map(|candidate| candidate.source.clone()).collect();
    // What FFmpeg cannot decode is not offered, but has its place among the others.
    assert_eq!(sources, [embedded(0, 0), embedded(5, 2), sidecar]);
    assert_eq!(subtitles.audio_language.as_deref(), Some("en"));
    assert_eq!(picked.burn_in, Some(BurnIn::Sidecar { path: folder.path().join("film.it.srt") }));
}

#[tokio::test]
async fn pickers_are_told_in_which_language_a_work_was_made() {
    let (picks, pickers) = picks();
    let mut of_channel = picks.of(&channel(SubtitleMode::Off));
    of_channel.wishes.tracks.audio.original_language = true;
    let mut media = film(1, "/m/film.mkv".as_ref());
    of_channel.learn(&[planned(media.clone())]).await;
    assert_eq!(pickers.audio.lock().unwrap().as_ref().unwrap().original_language, None);
    media.metadata.original_language = Some("jpn".into());
    assert_eq!(of_channel.known(&media), None, "what was learnt since asks for another answer");
    of_channel.learn(&[planned(media)]).await;
    assert_eq!(pickers.audio.lock().unwrap().as_ref().unwrap().original_language.as_deref(), Some("jpn"));
}

#[tokio::test]
async fn nobody_looks_beside_a_film_whose_subtitles_are_off() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("film.it.srt"), "").unwrap();
    let (picks, _) = picks();
    let wishes = Wishes::from(&channel(SubtitleMode::Off));
    let picked = picks.ask(&film(1, &folder.path().join("film.mkv")), &wishes).await.unwrap();
    assert_eq!(picked.subtitles.ranked.len(), 2);
    let unprobed = MediaItem { probe: None, ..film(1, &folder.path().join("film.mkv")) };
    assert_eq!(picks.ask(&unprobed, &wishes).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_asked_about_once_until_it_changes_or_time_has_passed() {
    let (picks, pickers) = picks();
    let mut of_channel = picks.of(&channel(SubtitleMode::Off));
    let row = planned(film(1, "/m/film.mkv".as_ref()));
    let media = row.media.clone().unwrap();
    let asked = || pickers.asked.load(Ordering::Relaxed);
    assert_eq!(of_channel.known(&media), None);

    of_channel.learn(&[row.clone(), row.clone()]).await;
    picks.of(&channel(SubtitleMode::Off)).learn(std::slice::from_ref(&row)).await;
    assert_eq!(asked(), 1, "channels with the same wishes share");
    assert_eq!(of_channel.known(&media).unwrap().audio.chosen, Some(StreamRef { absolute: 3, relative: 1 }));

    let changed = planned(MediaItem { mtime_ms: 2, ..(*media).clone() });
    assert_eq!(of_channel.known(changed.media.as_ref().unwrap()), None);
    of_channel.learn(&[changed]).await;
    assert_eq!(asked(), 2);

    tokio::time::advance(FRESH_FOR).await;
    assert!(of_channel.known(&media).is_some(), "an old answer is better than none");
    of_channel.learn(std::slice::from_ref(&row)).await;
    assert_eq!(asked(), 3);

    of_channel.prefer(channel(SubtitleMode::Preferred).tracks);
    assert_eq!(of_channel.known(&media), None, "other wishes, another answer");
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let (picks, _) = picks();
    let of_channel = picks.of(&channel(SubtitleMode::Off));
    let many = i64::try_from(MOST_KNOWN).unwrap() + 10;
    let rows: Vec<_> = (0..many).map(|id| planned(film(id, "/m/film.mkv".as_ref()))).collect();
    of_channel.learn(&rows).await;
    assert_eq!(picks.lock().len(), MOST_KNOWN);
    assert!(of_channel.known(rows.last().unwrap().media.as_ref().unwrap()).is_some(), "the newest are kept");
}

/// A film whose only subtitles are of one codec, and a channel that wants them as text.
async fn picked_as_text(codec: &str, delivery: SubtitleDelivery) -> Picked {
    let (picks, _) = picks();
    let mut media = film(1, "/m/film.mkv".as_ref());
    let streams = vec![stream(0, "aac", "en", StreamKind::Subtitle), stream(2, codec, "de", StreamKind::Subtitle)];
    media.probe.as_mut().unwrap().streams = streams;
    let mut wishes = Wishes::from(&channel(SubtitleMode::Preferred));
    wishes.tracks.subtitles.delivery = delivery;
    picks.ask(&media, &wishes).await.unwrap()
}

#[tokio::test]
async fn text_is_passed_on_as_text_where_the_channel_says_so_and_images_are_burnt_in() {
    let stream = StreamRef { absolute: 2, relative: 1 };
    let track = TextTrack { path: "/m/film.mkv".into(), stream: 2, name: "1-1-2".into() };
    for codec in ["subrip", "ass", "mov_text"] {
        let picked = picked_as_text(codec, SubtitleDelivery::WebVtt).await;
        assert_eq!((picked.burn_in, picked.text), (None, Some(track.clone())), "{codec}");
        let picked = picked_as_text(codec, SubtitleDelivery::BurnIn).await;
        assert_eq!((picked.burn_in, picked.text), (Some(BurnIn::Embedded(stream)), None), "{codec}");
    }
    let picked = picked_as_text("dvd_subtitle", SubtitleDelivery::WebVtt).await;
    assert_eq!((picked.burn_in, picked.text), (Some(BurnIn::Embedded(stream)), None));
}

#[tokio::test]
async fn a_subtitle_file_that_is_edited_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("film.it.srt")).unwrap();
    let (picks, _) = picks();
    let mut wishes = Wishes::from(&channel(SubtitleMode::Preferred));
    wishes.tracks.subtitles.delivery = SubtitleDelivery::WebVtt;
    let mut names = Vec::new();
    for seconds in [1, 2] {
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        let picked = picks.ask(&film(1, &folder.path().join("film.mkv")), &wishes).await.unwrap();
        let text = picked.text.unwrap();
        assert_eq!((text.path, text.stream), (folder.path().join("film.it.srt"), 0));
        names.push(text.name);
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn text_is_read_before_it_is_on_air() {
    let folder = tempfile::tempdir().unwrap();
    let tool = Arc::new(crate::feed::cue_files::tests::OneCue::default());
    let (picks, _) = picks();
    let picks = picks.with_cue_files(CueFiles::new(folder.path().into(), Arc::clone(&tool) as _, Lifecycle::default()));
    let mut wishing = channel(SubtitleMode::Preferred);
    wishing.tracks.subtitles.delivery = SubtitleDelivery::WebVtt;
    let mut media = film(1, "/m/film.mkv".as_ref());
    media.probe.as_mut().unwrap().streams.truncate(4);
    let row = planned(media);
    picks.of(&wishing).learn(std::slice::from_ref(&row)).await;
    let track = picks.of(&wishing).known(row.media.as_ref().unwrap()).unwrap().text.clone().unwrap();
    assert!(picks.cue_files().unwrap().cues(&track).await.is_some());
    assert_eq!(tool.asked.load(Ordering::Relaxed), 1);
}
