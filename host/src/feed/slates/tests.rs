//! What is rendered, kept and found again; the renderer is a stand-in that writes a slate without FFmpeg.

use exstreamtv_model::slate::Message;

use super::{fake::FakeRenderer, *};

struct House {
    folder: tempfile::TempDir,
    kitchen: Arc<FakeRenderer>,
    settings: watch::Sender<SlateSettings>,
    slates: Slates,
}

impl House {
    fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    fn at(folder: tempfile::TempDir) -> Self {
        let kitchen = Arc::new(FakeRenderer::default());
        let settings = watch::channel(SlateSettings::from(&ErrorScreens::default())).0;
        let slates = Slates::new(
            folder.path().join("slates"),
            folder.path().to_owned(),
            kitchen.clone(),
            settings.subscribe(),
            Lifecycle::default(),
        );
        Self { folder, kitchen, settings, slates }
    }

    /// The same after a restart.
    fn again(self) -> Self {
        Self::at(self.folder)
    }
}

fn small() -> OutputProfile {
    OutputProfile { width: 64, height: 64, ..OutputProfile::default() }
}

fn saying(title: &str) -> Screen {
    Screen::plain(Message::titled(title))
}

#[tokio::test]
async fn a_slate_is_rendered_once_for_what_it_says_and_to_whom() {
    let house = House::new();
    for _ in 0..2 {
        house.slates.get(&saying("one"), &small()).await.unwrap();
    }
    house.slates.get(&saying("two"), &small()).await.unwrap();
    house.slates.get(&saying("one"), &OutputProfile::default()).await.unwrap();
    assert_eq!(house.kitchen.screens(), [saying("one"), saying("two"), saying("one")]);
}

#[tokio::test]
async fn what_is_on_disk_needs_no_ffmpeg() {
    let house = House::new();
    assert!(house.slates.kept(&saying("one"), &small()).await.is_none());
    house.slates.get(&saying("one"), &small()).await.unwrap();
    let house = house.again();
    house.kitchen.set_broken(true);
    assert!(house.slates.kept(&saying("one"), &small()).await.is_some());
    house.slates.get(&saying("one"), &small()).await.unwrap();
    let error = house.slates.get(&saying("two"), &small()).await.unwrap_err().to_string();
    assert_eq!(error, "render a slate: no space left on device");
}

#[tokio::test]
async fn a_damaged_file_is_rendered_again() {
    let house = House::new();
    house.slates.get(&saying("one"), &small()).await.unwrap();
    let file = std::fs::read_dir(house.folder.path().join("slates")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "no transport stream").unwrap();
    let house = house.again();
    house.slates.get(&saying("one"), &small()).await.unwrap();
    assert_eq!(house.kitchen.screens().len(), 1);
    assert!(std::fs::metadata(file).unwrap().len() > 1_000);
}

#[tokio::test]
async fn an_image_that_is_missing_or_broken_is_left_out() {
    let house = House::new();
    let path = house.folder.path().join("image.png");
    let screen = Screen { visual: Visual::Image { path: path.clone() }, ..saying("one") };
    house.slates.get(&screen, &small()).await.unwrap();
    assert_eq!(house.kitchen.screens(), [saying("one")], "a missing one is not even tried");
    std::fs::write(&path, "no picture").unwrap();
    house.slates.get(&screen, &small()).await.unwrap();
    assert_eq!(house.kitchen.screens()[1..], [screen.clone(), saying("one")]);
}

#[tokio::test]
async fn another_image_under_the_same_name_is_another_slate() {
    let house = House::new();
    let path = house.folder.path().join("image.png");
    let screen = Screen { visual: Visual::Image { path: path.clone() }, ..saying("one") };
    for contents in ["a picture", "another picture"] {
        std::fs::write(&path, contents).unwrap();
        house.slates.get(&screen, &small()).await.unwrap();
    }
    assert_eq!(house.kitchen.screens().iter().filter(|ordered| **ordered == screen).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_generic_slate_is_there_without_being_asked_for_and_follows_the_configuration() {
    let house = House::new();
    let mut plain = house.slates.of(&small());
    plain.wait_for(Option::is_some).await.unwrap();
    let first = house.kitchen.screens()[0].clone();
    assert_eq!(first, saying("We will be right back"));
    let mut settings = house.settings.borrow().clone();
    settings.style.title = "Störung".into();
    plain.mark_unchanged();
    house.settings.send_replace(settings.clone());
    plain.changed().await.unwrap();
    assert!(house.kitchen.screens().contains(&saying("Störung")));
    settings.enabled = false;
    house.settings.send_replace(settings);
    plain.changed().await.unwrap();
    assert!(house.kitchen.screens().contains(&screen::blank()), "nothing is said where nobody wants it");
}

#[tokio::test(start_paused = true)]
async fn the_generic_slate_is_tried_again_until_it_is_there() {
    let house = House::new();
    house.kitchen.set_broken(true);
    let mut plain = house.slates.of(&small());
    let early = tokio::time::timeout(Duration::from_secs(30), plain.wait_for(Option::is_some)).await.is_ok();
    assert!(!early);
    house.kitchen.set_broken(false);
    plain.wait_for(Option::is_some).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_can_wait_waits_for_a_channel_that_starts_and_the_generic_slate_does_not() {
    let house = House::new();
    let hush = house.slates.hush();
    house.slates.of(&small()).wait_for(Option::is_some).await.unwrap();
    let slates = house.slates.clone();
    let profile = small();
    let screen = saying("later");
    let mut later = std::pin::pin!(slates.get(&screen, &profile));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut later).await.is_err());
    drop(hush);
    later.await.unwrap();
}

#[tokio::test]
async fn a_preview_is_refused_while_the_machine_is_needed_and_nothing_of_it_is_kept() {
    let house = House::new();
    let hush = house.slates.hush();
    let busy = house.slates.preview(&saying("one"), &small(), PreviewFormat::Ts).await;
    assert!(matches!(busy, Err(RenderError::Busy)));
    drop(hush);
    let turn = house.slates.shared.preview.try_acquire().unwrap();
    let busy = house.slates.preview(&saying("one"), &small(), PreviewFormat::Ts).await;
    assert!(matches!(busy, Err(RenderError::Busy)));
    drop(turn);
    assert!(!house.slates.preview(&saying("one"), &small(), PreviewFormat::Ts).await.unwrap().is_empty());
    assert!(house.slates.kept(&saying("one"), &small()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn where_no_letters_can_be_written_a_plain_colour_covers_until_they_can() {
    let house = House::new();
    house.kitchen.set_wordless(true);
    let mut plain = house.slates.of(&small());
    plain.wait_for(Option::is_some).await.unwrap();
    assert_eq!(house.kitchen.screens(), [saying("We will be right back"), screen::blank()]);
    house.kitchen.set_wordless(false);
    plain.mark_unchanged();
    plain.changed().await.unwrap();
    assert_eq!(house.kitchen.screens()[2], saying("We will be right back"));
}
