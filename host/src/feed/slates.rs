//! Slates: rendered once for what they say and to whom, kept on disk and in memory.
//!
//! Does: have a generic slate of every profile ready, render others when they are wanted, keep both.
//! Does not: choose what is said (`exstreamtv_core::screen`), or put anything on air (the splice does).
//! Invariant: whoever keeps a channel on air never waits for a slate; one slate is rendered at a time, and none but the generic ones while a
//! cold channel waits for its first picture.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_core::screen;
use exstreamtv_model::{
    OutputProfile, PlayOrder, RunId, Screen,
    order::Source,
    slate::{ScreenStyle, Visual, frames_to_render},
};
use exstreamtv_transport::Slate;
use futures::{FutureExt, future::BoxFuture};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};

use crate::{config::error_screens::ErrorScreens, lifecycle::Lifecycle, worker::Utility};

mod disk;
#[cfg(test)]
pub(crate) mod fake;
mod memory;
mod quiet;

use disk::{Disk, Limits};
use memory::Memory;
pub use quiet::Hush;
use quiet::Quiet;

/// Changes when slates are rendered differently, so that old files are not used any more.
const RECIPE: &str = "3";
/// How long a failed rendering of a generic slate rests.
const RETRY: Duration = Duration::from_secs(20);
/// How long a rendering may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What renders.
pub trait Render: Send + Sync {
    /// Plays an order to its end and returns what FFmpeg wrote, or what it said.
    fn render(&self, order: PlayOrder) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

impl Render for Utility {
    fn render(&self, order: PlayOrder) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Utility::render(self, order).boxed()
    }
}

/// Settings that may change while the host runs.
#[derive(Debug, Clone, PartialEq)]
pub struct SlateSettings {
    /// Whether slates say anything.
    pub enabled: bool,
    /// How they look, sound and speak.
    pub style: ScreenStyle,
    /// How much is kept on disk.
    pub limits: Limits,
}

impl From<&ErrorScreens> for SlateSettings {
    fn from(section: &ErrorScreens) -> Self {
        let limits = Limits { files: section.max_cached, bytes: section.max_cached_bytes };
        Self { enabled: section.enabled, style: section.style(), limits }
    }
}

/// Why a slate cannot be shown; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// FFmpeg failed.
    #[error("render a slate: {0}")]
    Ffmpeg(String),
    /// What it wrote is no slate.
    #[error(transparent)]
    Unusable(#[from] exstreamtv_transport::SlateError),
    /// Somebody else is looking at one, or a channel is waiting for the machine.
    #[error("render a slate: the machine is busy")]
    Busy,
}

/// What a preview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewFormat {
    /// One picture.
    Png,
    /// The stream that would be looped.
    Ts,
}

/// Knows every slate.
#[derive(Clone)]
pub struct Slates {
    shared: Arc<Shared>,
}

struct Shared {
    /// Where relative images are.
    images: PathBuf,
    renderer: Arc<dyn Render>,
    settings: watch::Receiver<SlateSettings>,
    life: Lifecycle,
    disk: Disk,
    memory: Mutex<Memory>,
    generics: Mutex<HashMap<OutputProfile, Generic>>,
    quiet: Quiet,
    /// One rendering at a time.
    stove: Semaphore,
    /// One preview at a time.
    preview: Semaphore,
}

/// The slates of one profile that are always there.
struct Generic {
    plain: watch::Receiver<Option<Arc<Slate>>>,
    starting: watch::Receiver<Option<Arc<Slate>>>,
}

impl Slates {
    /// Keeps slates in `folder`, which is made when needed; relative images are in `images`.
    pub fn new(
        folder: PathBuf,
        images: PathBuf,
        renderer: Arc<dyn Render>,
        settings: watch::Receiver<SlateSettings>,
        life: Lifecycle,
    ) -> Self {
        let shared = Shared {
            images,
            renderer,
            settings,
            life,
            disk: Disk::new(folder),
            memory: Mutex::default(),
            generics: Mutex::default(),
            quiet: Quiet::default(),
            stove: Semaphore::new(1),
            preview: Semaphore::new(1),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns where this profile's generic slate is, or will be as soon as it is rendered; it follows the configuration.
    pub fn of(&self, profile: &OutputProfile) -> watch::Receiver<Option<Arc<Slate>>> {
        self.generic(profile, |generic| generic.plain.clone())
    }

    /// Returns the slate of any channel of this profile that starts, if it is ready.
    pub fn starting(&self, profile: &OutputProfile) -> Option<Arc<Slate>> {
        self.generic(profile, |generic| generic.starting.borrow().clone())
    }

    /// Returns the settings.
    pub fn settings(&self) -> SlateSettings {
        self.shared.settings.borrow().clone()
    }

    /// Returns where relative images are.
    pub fn images(&self) -> &Path {
        &self.shared.images
    }

    /// Keeps the machine free of renderings that can wait, for as long as the answer lives.
    pub fn hush(&self) -> Hush {
        self.shared.quiet.hush()
    }

    /// Returns a slate that was rendered before.
    pub async fn kept(&self, screen: &Screen, profile: &OutputProfile) -> Option<Arc<Slate>> {
        let dish = self.dish(screen, profile).await;
        self.find(&dish.name).await
    }

    /// Returns a slate, rendered now if need be, at a moment when nobody else needs the machine more.
    ///
    /// # Errors
    /// If FFmpeg cannot render it, nor the same without its picture.
    pub async fn get(&self, screen: &Screen, profile: &OutputProfile) -> Result<Arc<Slate>, RenderError> {
        self.make(screen, profile, false).await
    }

    /// Renders what people want to look at; nothing of it is kept.
    ///
    /// # Errors
    /// `Busy` while another preview or a cold channel needs the machine; what FFmpeg said otherwise.
    pub async fn preview(
        &self,
        screen: &Screen,
        profile: &OutputProfile,
        format: PreviewFormat,
    ) -> Result<Vec<u8>, RenderError> {
        let _turn = self.shared.preview.try_acquire().map_err(|_| RenderError::Busy)?;
        if !self.shared.quiet.is_quiet() {
            return Err(RenderError::Busy);
        }
        let Dish { screen, .. } = self.dish(screen, profile).await;
        let source = match format {
            PreviewFormat::Png => Source::Still { screen: screen.clone() },
            PreviewFormat::Ts => Source::Slate { screen: screen.clone() },
        };
        let bytes = self.cook(source, profile).await?;
        if bytes.is_empty() { Err(RenderError::Ffmpeg("FFmpeg wrote nothing".into())) } else { Ok(bytes) }
    }

    fn generic<T>(&self, profile: &OutputProfile, pick: impl FnOnce(&Generic) -> T) -> T {
        let mut generics = self.shared.generics.lock().unwrap_or_else(PoisonError::into_inner);
        let generic = generics.entry(profile.clone()).or_insert_with(|| self.stock(profile.clone()));
        pick(generic)
    }

    /// Starts the task that keeps a profile's generic slates as the configuration wants them.
    fn stock(&self, profile: OutputProfile) -> Generic {
        let (plain, plain_place) = watch::channel(None);
        let (starting, starting_place) = watch::channel(None);
        let slates = self.clone();
        self.shared.life.spawn(async move {
            let stopping = slates.shared.life.stopping();
            let mut settings = slates.shared.settings.clone();
            let stock = async {
                loop {
                    let SlateSettings { enabled, style, .. } = settings.borrow_and_update().clone();
                    slates.restock(&profile, enabled.then_some(&style), &plain, &starting).await;
                    if settings.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
            };
            tokio::select! {
                () = stopping.cancelled() => {}
                () = stock => {}
            }
        });
        Generic { plain: plain_place, starting: starting_place }
    }

    async fn restock(
        &self,
        profile: &OutputProfile,
        style: Option<&ScreenStyle>,
        plain: &watch::Sender<Option<Arc<Slate>>>,
        starting: &watch::Sender<Option<Arc<Slate>>>,
    ) {
        let images = self.images();
        let screen = style.map_or_else(screen::blank, |style| screen::generic(style, images));
        loop {
            match self.make(&screen, profile, true).await {
                Ok(slate) => break drop(plain.send_replace(Some(slate))),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the slate could not be rendered; trying again"
                    );
                    self.make_do(profile, plain).await;
                }
            }
            tokio::time::sleep(RETRY).await;
        }
        let Some(style) = style else { return drop(starting.send_replace(None)) };
        match self.get(&screen::starting(style, images), profile).await {
            Ok(slate) => drop(starting.send_replace(Some(slate))),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the screen of starting channels could not be rendered"
                );
            }
        }
    }

    /// A plain colour needs no letters, no font, no file and no room on a disk.
    async fn make_do(&self, profile: &OutputProfile, plain: &watch::Sender<Option<Arc<Slate>>>) {
        if plain.borrow().is_none()
            && let Ok((slate, _)) = self.cook_slate(&screen::blank(), profile).await
        {
            plain.send_replace(Some(Arc::new(slate)));
        }
    }

    async fn make(&self, screen: &Screen, profile: &OutputProfile, urgent: bool) -> Result<Arc<Slate>, RenderError> {
        let dish = self.dish(screen, profile).await;
        if urgent {
            self.shared.disk.protect(&dish.name);
        }
        if let Some(slate) = self.find(&dish.name).await {
            return Ok(slate);
        }
        if !urgent {
            self.shared.quiet.wait().await;
        }
        // Somebody else may have made it while we waited.
        let turn = self.shared.stove.acquire().await;
        if let Some(slate) = self.find(&dish.name).await {
            return Ok(slate);
        }
        let bytes = match self.cook_slate(&dish.screen, profile).await {
            Err(error) if dish.screen.visual != Visual::Text => {
                tracing::warn!(error = &error as &dyn std::error::Error, visual = ?dish.screen.visual, "a slate is shown without its picture");
                return self.remember(&dish.name, self.cook_slate(&dish.screen.without_picture(), profile).await?.0);
            }
            bytes => bytes?,
        };
        drop(turn);
        let (slate, bytes) = bytes;
        self.shared.disk.keep(&dish.name, bytes, self.settings().limits).await;
        self.remember(&dish.name, slate)
    }

    fn remember(&self, name: &str, slate: Slate) -> Result<Arc<Slate>, RenderError> {
        let slate = Arc::new(slate);
        self.memory().keep(name.to_owned(), Arc::clone(&slate));
        Ok(slate)
    }

    async fn cook_slate(&self, screen: &Screen, profile: &OutputProfile) -> Result<(Slate, Vec<u8>), RenderError> {
        let bytes = self.cook(Source::Slate { screen: screen.clone() }, profile).await?;
        Ok((Slate::from_run(&bytes)?, bytes))
    }

    async fn cook(&self, source: Source, profile: &OutputProfile) -> Result<Vec<u8>, RenderError> {
        let frames = frames_to_render(profile);
        let order = PlayOrder {
            run: RunId(0),
            source,
            profile: profile.clone(),
            frames,
            keyframe_offset: 0,
            card: None,
            gain_db: None,
            watermark: None,
        };
        match tokio::time::timeout(PATIENCE, self.shared.renderer.render(order)).await {
            Ok(rendered) => rendered.map_err(RenderError::Ffmpeg),
            Err(_) => Err(RenderError::Ffmpeg(format!("it took longer than {} s", PATIENCE.as_secs()))),
        }
    }

    async fn find(&self, name: &str) -> Option<Arc<Slate>> {
        let remembered = self.memory().find(name);
        if remembered.is_some() {
            return remembered;
        }
        let bytes = self.shared.disk.load(name).await?;
        let slate = Slate::from_run(&bytes)
            .inspect_err(|error| tracing::warn!(%error, name, "a kept slate is damaged and will be rendered again"));
        self.remember(name, slate.ok()?).ok()
    }

    /// Returns what is really rendered, and its name: an image that is not there is left out.
    async fn dish(&self, screen: &Screen, profile: &OutputProfile) -> Dish {
        let Visual::Image { path } = &screen.visual else { return Dish::of(screen.clone(), profile, "") };
        match tokio::fs::metadata(path).await {
            Ok(found) if found.is_file() => {
                let stamp = format!("{} {:?}", found.len(), found.modified().ok());
                Dish::of(screen.clone(), profile, &stamp)
            }
            _ => {
                tracing::warn!(path = %path.display(), "the image of the error screens is not there");
                Dish::of(screen.without_picture(), profile, "")
            }
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slate to be rendered, and the name of its file.
struct Dish {
    screen: Screen,
    name: String,
}

impl Dish {
    /// `stamp` changes with the contents of the image.
    fn of(screen: Screen, profile: &OutputProfile, stamp: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(format!("{RECIPE}\n{screen:?}\n{profile:?}\n{stamp}"));
        let name = hasher.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self { screen, name }
    }
}

#[cfg(test)]
mod tests;
