//! Which slate a channel is given when; the renderer is a stand-in.

use exstreamtv_model::{ItemOrder, OutputProfile, pick::TrackPreferences, slate::AudioMode};
use futures::FutureExt;

use super::{
    super::slates::{PreviewFormat, fake::FakeRenderer},
    *,
};
use crate::config::error_screens::ErrorScreens;

struct House {
    _folder: tempfile::TempDir,
    renderer: Arc<FakeRenderer>,
    settings: watch::Sender<SlateSettings>,
    slates: Slates,
    screen: ChannelScreen,
}

fn channel() -> Channel {
    Channel {
        id: exstreamtv_model::ChannelId(1),
        number: "5.1".parse().unwrap(),
        name: "Classics".into(),
        group: String::new(),
        logo: None,
        zone: chrono_tz::UTC,
        profile: OutputProfile::default(),
        collection: None,
        order: ItemOrder::Name,
        schedule: None,
        tracks: TrackPreferences::default(),
        throttle: Default::default(),
        enabled: true,
    }
}

impl House {
    /// A channel whose generic slates are there.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let renderer = Arc::new(FakeRenderer::default());
        let settings = watch::channel(SlateSettings::from(&ErrorScreens::default())).0;
        let (kept, images, life) = (folder.path().join("slates"), folder.path().to_owned(), Lifecycle::default());
        let slates = Slates::new(kept, images, renderer.clone(), settings.subscribe(), life.clone());
        slates.of(&channel().profile).wait_for(Option::is_some).await.unwrap();
        while slates.starting(&channel().profile).is_none() {
            tokio::task::yield_now().await;
        }
        let screen = ChannelScreen::new(slates.clone(), life, channel(), ScreenChanges::default());
        Self { _folder: folder, renderer, settings, slates, screen }
    }

    fn generic(&self) -> Arc<Slate> {
        self.slates.of(&channel().profile).borrow().clone().unwrap()
    }

    fn show(&mut self, cause: Cause) {
        self.screen.show(cause, None, DateTime::UNIX_EPOCH);
    }

    /// What was rendered beyond the two generic slates.
    fn rendered(&self) -> Vec<String> {
        self.renderer.screens()[2..].iter().map(|screen| screen.message.reason.clone()).collect()
    }
}

#[tokio::test]
async fn the_generic_slate_is_there_at_once_and_the_message_follows() {
    let mut house = House::open().await;
    assert!(Arc::ptr_eq(&house.screen.current().unwrap(), &house.generic()));
    house.show(Cause::SourceMissing);
    let message = house.screen.changed().await;
    assert!(!Arc::ptr_eq(&message, &house.generic()));
    assert!(Arc::ptr_eq(&house.screen.current().unwrap(), &message));
    assert_eq!(house.rendered(), [Cause::SourceMissing.plain()]);
}

#[tokio::test]
async fn a_message_that_is_not_true_any_more_makes_room_at_once() {
    let mut house = House::open().await;
    house.show(Cause::SourceMissing);
    house.screen.changed().await;
    house.show(Cause::WorkerLost);
    let first = house.screen.changed().now_or_never().unwrap();
    assert!(Arc::ptr_eq(&first, &house.generic()));
    house.screen.changed().await;
    assert_eq!(house.rendered(), [Cause::SourceMissing.plain(), Cause::WorkerLost.plain()]);
}

#[tokio::test]
async fn the_same_cause_again_is_no_news() {
    let mut house = House::open().await;
    for _ in 0..3 {
        house.show(Cause::SourceMissing);
    }
    house.screen.changed().await;
    house.show(Cause::SourceMissing);
    assert!(house.screen.changed().now_or_never().is_none());
    assert_eq!(house.rendered().len(), 1);
}

#[tokio::test]
async fn a_channel_that_starts_has_the_machine_for_itself() {
    let mut house = House::open().await;
    house.show(Cause::Starting);
    let starting = house.screen.changed().await;
    assert!(Arc::ptr_eq(&starting, &house.slates.starting(&channel().profile).unwrap()));
    let preview = |house: &House| {
        let slates = house.slates.clone();
        async move {
            slates.preview(&Screen::plain(Default::default()), &channel().profile, PreviewFormat::Ts).await.is_ok()
        }
    };
    assert!(!preview(&house).await);
    assert_eq!(house.rendered(), [""; 0]);
    house.screen.clear();
    assert!(preview(&house).await);
}

#[tokio::test]
async fn after_the_programme_is_back_the_generic_slate_waits_for_the_next_failure() {
    let mut house = House::open().await;
    house.show(Cause::SourceMissing);
    house.screen.changed().await;
    house.screen.clear();
    let next = house.screen.changed().await;
    assert!(Arc::ptr_eq(&next, &house.generic()));
    house.screen.clear();
    assert!(house.screen.changed().now_or_never().is_none());
}

#[tokio::test]
async fn wishes_and_a_new_configuration_change_what_is_shown() {
    let mut house = House::open().await;
    house.show(Cause::SourceMissing);
    house.screen.changed().await;
    house.screen.change(ScreenChanges { audio_mode: Some(AudioMode::Beep), ..Default::default() });
    while house.renderer.screens().last().unwrap().audio != AudioMode::Beep {
        house.screen.changed().await;
    }
    let mut settings = house.settings.borrow().clone();
    settings.style.title = "Störung".into();
    house.settings.send_replace(settings);
    let is_new = |screen: &Screen| screen.message.title == "Störung" && !screen.message.reason.is_empty();
    while !house.renderer.screens().iter().any(is_new) {
        house.screen.changed().await;
    }
}

#[tokio::test]
async fn where_nobody_wants_screens_nothing_is_said() {
    let mut house = House::open().await;
    house.settings.send_modify(|settings| settings.enabled = false);
    house.screen.generic.changed().await.unwrap();
    house.show(Cause::SourceMissing);
    for _ in 0..50 {
        tokio::task::yield_now().await;
        _ = house.screen.changed().now_or_never();
    }
    assert!(house.renderer.screens().iter().all(|screen| screen.message.reason.is_empty()));
}
