//! Channels' logos in the corner of their pictures.
//!
//! Does: look at each image before it is used, and say what a run gets.
//! Does not: draw; FFmpeg does.
//! Invariant: an image that cannot be read keeps no programme off the air: it is left out, and said.

use std::{path::PathBuf, sync::Arc};

use exstreamtv_library::parse_probe;
use exstreamtv_model::order::{AtTimes, Corner, Watermark};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

use crate::{lifecycle::Lifecycle, worker::Utility};

/// An image, and which channels show it how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Absolute path of the image.
    pub image: PathBuf,
    /// Numbers of the channels; empty for all that no earlier rule names.
    pub channels: Vec<String>,
    /// In which corner.
    pub corner: Corner,
    /// Its width, percent of the picture's.
    pub width_percent: u8,
    /// Its distance from both edges, percent of the picture's width.
    pub margin_percent: u8,
    /// How much of it is seen, percent.
    pub opacity_percent: u8,
    /// From one showing to the next; 0 shows it always.
    pub every_s: u32,
    /// How long each time.
    pub for_s: u32,
}

/// Finds out whether a file is an image.
pub trait LookAtImage: Send + Sync {
    /// Says why it cannot be shown, where it cannot.
    fn look(&self, path: PathBuf) -> BoxFuture<'_, Result<(), String>>;
}

impl LookAtImage for Utility {
    fn look(&self, path: PathBuf) -> BoxFuture<'_, Result<(), String>> {
        async move {
            let probed = self.probe(path).await.and_then(|answer| answer)?;
            let streams = parse_probe(&probed).map_err(|error| error.to_string());
            // An image has no length, which keeps it out of the library and not out of a picture.
            match streams {
                Ok(probe) if probe.video().next().is_some() => Ok(()),
                _ if probed.contains("\"codec_type\": \"video\"") => Ok(()),
                Ok(_) => Err("there is no picture in it".to_owned()),
                Err(why) => Err(why),
            }
        }
        .boxed()
    }
}

/// Which channels show which image. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watermarks {
    good: watch::Receiver<Arc<[Rule]>>,
}

impl Watermarks {
    /// Starts the task that looks at images whenever the rules change.
    pub fn start(mut rules: watch::Receiver<Vec<Rule>>, looker: Arc<dyn LookAtImage>, life: &Lifecycle) -> Self {
        let (tell, good) = watch::channel(Arc::from([]));
        let stopping = life.stopping();
        life.spawn(async move {
            loop {
                let wanted = rules.borrow_and_update().clone();
                let looked = tokio::select! {
                    () = stopping.cancelled() => return,
                    looked = readable(wanted, looker.as_ref()) => looked,
                };
                tell.send_replace(looked.into());
                tokio::select! {
                    () = stopping.cancelled() => return,
                    changed = rules.changed() => if changed.is_err() { return },
                }
            }
        });
        Self { good }
    }

    /// Returns what a run of a channel gets whose first frame is on air at `first_ms`, Unix milliseconds.
    pub fn of(&self, number: &str, first_ms: i64) -> Option<Watermark> {
        let rules = self.good.borrow().clone();
        let rule = rules.iter().find(|rule| rule.channels.is_empty() || rule.channels.iter().any(|n| n == number))?;
        let every_ms = u64::from(rule.every_s) * 1_000;
        let at_times = (every_ms > 0).then(|| AtTimes {
            every_ms,
            for_ms: u64::from(rule.for_s) * 1_000,
            into_ms: u64::try_from(first_ms).unwrap_or(0) % every_ms,
        });
        Some(Watermark {
            image: rule.image.clone(),
            corner: rule.corner,
            width_percent: rule.width_percent,
            margin_percent: rule.margin_percent,
            opacity_percent: rule.opacity_percent,
            at_times,
        })
    }
}

async fn readable(rules: Vec<Rule>, looker: &dyn LookAtImage) -> Vec<Rule> {
    let mut good = Vec::new();
    for rule in rules {
        match looker.look(rule.image.clone()).await {
            Ok(()) => good.push(rule),
            Err(why) => tracing::warn!(image = %rule.image.display(), why, "a watermark is left out"),
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Eyes;

    impl LookAtImage for Eyes {
        fn look(&self, path: PathBuf) -> BoxFuture<'_, Result<(), String>> {
            let good = path.extension().is_some_and(|extension| extension == "png");
            async move { if good { Ok(()) } else { Err("there is no picture in it".into()) } }.boxed()
        }
    }

    fn rule(image: &str, channels: &[&str], every_s: u32) -> Rule {
        Rule {
            image: image.into(),
            channels: channels.iter().map(|number| (*number).to_owned()).collect(),
            corner: Corner::TopRight,
            width_percent: 10,
            margin_percent: 2,
            opacity_percent: 50,
            every_s,
            for_s: 10,
        }
    }

    #[tokio::test]
    async fn the_first_good_rule_for_a_channel_counts_and_bad_images_are_left_out() {
        let rules = watch::Sender::new(vec![
            rule("/bad.txt", &["5.1"], 0),
            rule("/five.png", &["5.1", "7"], 600),
            rule("/all.png", &[], 0),
        ]);
        let mut marks = Watermarks::start(rules.subscribe(), Arc::new(Eyes), &Lifecycle::default());
        marks.good.wait_for(|rules| !rules.is_empty()).await.unwrap();
        let mark = marks.of("5.1", 1_234_567).unwrap();
        assert_eq!(mark.image, PathBuf::from("/five.png"));
        assert_eq!(mark.at_times, Some(AtTimes { every_ms: 600_000, for_ms: 10_000, into_ms: 34_567 }));
        assert_eq!(marks.of("6", 0).unwrap().image, PathBuf::from("/all.png"));
        rules.send_replace(vec![]);
        marks.good.wait_for(|rules| rules.is_empty()).await.unwrap();
        assert_eq!(marks.of("6", 0), None);
    }
}
