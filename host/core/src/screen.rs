//! What a slate says, and how it looks: from a cause to a screen.
//!
//! Does: choose the words for a cause, announce the next programme in the channel's own time, resolve the configured style.
//! Does not: render, or find out the cause.
//! Invariant: a channel that is as it should be (it starts, it is off air) shows no code; a fault shows one wherever codes are wanted.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use exstreamtv_model::{
    Cause, ChannelNumber, Screen,
    slate::{Message, ScreenStyle, Visual, VisualMode},
};

/// What is shown next on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What the guide calls it.
    pub title: String,
    /// When it begins.
    pub start: DateTime<Utc>,
}

/// Why a slate is shown, where and when.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// Why.
    pub cause: Cause,
    /// Number and name of the channel, if it is one channel's slate.
    pub channel: Option<(&'a ChannelNumber, &'a str)>,
    /// What comes next, if that is known.
    pub next: Option<&'a Announced>,
    /// The moment.
    pub now: DateTime<Utc>,
    /// The channel's zone.
    pub zone: Tz,
}

/// Returns the screen for an occasion; relative images are in the folder `images`.
pub fn compose(style: &ScreenStyle, images: &Path, occasion: &Occasion<'_>) -> Screen {
    dressed(style, images, message(style, occasion))
}

/// Returns the screen that fits whenever nothing is known: the title alone.
pub fn generic(style: &ScreenStyle, images: &Path) -> Screen {
    dressed(style, images, titled(&style.title, &style.subtitle))
}

/// Returns the screen of a channel that starts, whichever it is.
pub fn starting(style: &ScreenStyle, images: &Path) -> Screen {
    dressed(style, images, titled(&style.starting_title, ""))
}

/// Returns a screen of one dark colour, without a word: what covers holes where nobody wants screens.
pub fn blank() -> Screen {
    Screen { visual: Visual::Slate, ..Screen::plain(Message::default()) }
}

fn titled(title: &str, subtitle: &str) -> Message {
    Message { subtitle: subtitle.to_owned(), ..Message::titled(title) }
}

fn dressed(style: &ScreenStyle, images: &Path, message: Message) -> Screen {
    let image = (!style.image.as_os_str().is_empty()).then(|| Visual::Image { path: images.join(&style.image) });
    let visual = match style.visual_mode {
        VisualMode::Text => Visual::Text,
        VisualMode::Static => image.unwrap_or(Visual::Noise),
        VisualMode::Image => image.unwrap_or(Visual::Text),
        VisualMode::Noise => Visual::Noise,
        VisualMode::Pattern => Visual::Pattern { kind: style.pattern },
        VisualMode::Slate => Visual::Slate,
    };
    // What nobody sees makes no difference.
    let message = if visual == Visual::Slate { Message::default() } else { message };
    Screen { visual, audio: style.audio_mode, background: style.background, foreground: style.foreground, message }
}

fn message(style: &ScreenStyle, occasion: &Occasion<'_>) -> Message {
    let Occasion { cause, channel, next, .. } = occasion;
    let (title, subtitle) = match cause {
        Cause::Starting => (&style.starting_title, ""),
        Cause::NothingScheduled => (&style.offline_title, ""),
        _ => (&style.title, style.subtitle.as_str()),
    };
    let channel = channel.filter(|_| style.show_channel);
    let next = next.filter(|_| style.show_next);
    Message {
        channel: channel.map(|(number, name)| format!("{number}  {name}")).unwrap_or_default(),
        reason: if style.show_reason { cause.plain().to_owned() } else { String::new() },
        next: next.map(|next| announced(next, occasion)).unwrap_or_default(),
        code: if style.show_code && cause.is_fault() { cause.code().to_owned() } else { String::new() },
        ..titled(title, subtitle)
    }
}

fn announced(next: &Announced, occasion: &Occasion<'_>) -> String {
    let when = local_time(next.start, occasion.now, occasion.zone);
    let title = next.title.trim();
    match (occasion.cause, title.is_empty()) {
        (Cause::NothingScheduled, true) => format!("Back {when}"),
        (Cause::NothingScheduled, false) => format!("Back {when} with {title}"),
        (_, true) => format!("The next programme begins {when}"),
        (_, false) => format!("Next: {title}, {when}"),
    }
}

/// Returns "at 18:00", "on Saturday at 18:00" or "on 28 November at 18:00", as people say it in that zone at that moment.
fn local_time(start: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (start, today) = (start.with_timezone(&zone), now.with_timezone(&zone).date_naive());
    let days = start.date_naive() - today;
    let format = match days {
        days if days <= TimeDelta::zero() => "at %H:%M",
        days if days == TimeDelta::days(1) => "tomorrow at %H:%M",
        days if days < TimeDelta::days(7) => "on %A at %H:%M",
        _ => "on %-d %B at %H:%M",
    };
    start.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::slate::{AudioMode, PatternKind};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn shown(style: &ScreenStyle, cause: Cause) -> Message {
        let number = "5.1".parse().unwrap();
        let next = Announced { title: "Metropolis".into(), start: at("2026-11-27T19:15:00Z") };
        let occasion = Occasion {
            cause,
            channel: Some((&number, "Classics")),
            next: Some(&next),
            now: at("2026-11-27T17:00:00Z"),
            zone: chrono_tz::Europe::Berlin,
        };
        compose(style, Path::new("/images"), &occasion).message
    }

    #[test]
    fn a_fault_has_a_reason_a_code_and_the_next_programme_in_local_time() {
        let expected = Message {
            channel: "5.1  Classics".into(),
            title: "We will be right back".into(),
            subtitle: String::new(),
            reason: "The recording cannot be found".into(),
            next: "Next: Metropolis, at 20:15".into(),
            code: "EX-11".into(),
        };
        assert_eq!(shown(&ScreenStyle::default(), Cause::SourceMissing), expected);
    }

    #[test]
    fn a_channel_that_is_as_it_should_be_shows_no_code() {
        for cause in Cause::ALL {
            assert_eq!(shown(&ScreenStyle::default(), cause).code.is_empty(), !cause.is_fault(), "{cause:?}");
        }
        let offline = shown(&ScreenStyle::default(), Cause::NothingScheduled);
        assert_eq!((offline.title.as_str(), offline.next.as_str()), ("Off air", "Back at 20:15 with Metropolis"));
        assert_eq!(shown(&ScreenStyle::default(), Cause::Starting).title, "One moment, please");
    }

    #[test]
    fn every_line_can_be_switched_off_or_changed() {
        let bare = ScreenStyle {
            title: "Störung".into(),
            subtitle: "Bitte warten".into(),
            show_channel: false,
            show_reason: false,
            show_next: false,
            show_code: false,
            ..ScreenStyle::default()
        };
        let expected = Message { subtitle: "Bitte warten".into(), ..Message::titled("Störung") };
        assert_eq!(shown(&bare, Cause::SourceMissing), expected);
        let named = ScreenStyle { offline_title: "Sendepause".into(), starting_title: "Gleich".into(), ..bare };
        assert_eq!(shown(&named, Cause::NothingScheduled), Message::titled("Sendepause"));
        assert_eq!(shown(&named, Cause::Starting), Message::titled("Gleich"));
    }

    #[test]
    fn the_day_is_named_as_people_do_in_the_zone_of_the_channel() {
        let says = |start: &str, now: &str, zone| local_time(at(start), at(now), zone);
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(says("2026-11-27T22:30:00Z", "2026-11-27T17:00:00Z", berlin), "at 23:30");
        assert_eq!(says("2026-11-27T23:30:00Z", "2026-11-27T17:00:00Z", berlin), "tomorrow at 00:30");
        assert_eq!(says("2026-11-30T17:00:00Z", "2026-11-27T17:00:00Z", berlin), "on Monday at 18:00");
        assert_eq!(says("2026-12-06T17:00:00Z", "2026-11-27T17:00:00Z", berlin), "on 6 December at 18:00");
        assert_eq!(says("2026-11-27T17:00:00Z", "2026-11-27T23:59:00Z", chrono_tz::UTC), "at 17:00");
        assert_eq!(says("2026-07-01T12:00:00Z", "2026-07-01T01:00:00Z", chrono_tz::Asia::Kolkata), "at 17:30");
    }

    #[test]
    fn a_static_picture_is_the_image_where_there_is_one_and_snow_where_there_is_none() {
        let visual = |visual_mode, image: &str| {
            let style = ScreenStyle { visual_mode, image: image.into(), ..ScreenStyle::default() };
            generic(&style, Path::new("/images")).visual
        };
        let path = Path::new("/images/a.png").to_owned();
        assert_eq!(visual(VisualMode::Static, "a.png"), Visual::Image { path: path.clone() });
        assert_eq!(visual(VisualMode::Static, ""), Visual::Noise);
        assert_eq!(visual(VisualMode::Image, "a.png"), Visual::Image { path });
        assert_eq!(visual(VisualMode::Image, "/else/b.png"), Visual::Image { path: "/else/b.png".into() });
        assert_eq!(visual(VisualMode::Image, ""), Visual::Text);
        assert_eq!(visual(VisualMode::Noise, "a.png"), Visual::Noise);
    }

    #[test]
    fn colours_sound_and_pattern_are_those_of_the_style() {
        let style = ScreenStyle {
            visual_mode: VisualMode::Pattern,
            pattern: PatternKind::Testsrc,
            audio_mode: AudioMode::Beep,
            background: "#ff0000".parse().unwrap(),
            foreground: "#00ff00".parse().unwrap(),
            ..ScreenStyle::default()
        };
        let screen = generic(&style, Path::new("/images"));
        assert_eq!(screen.visual, Visual::Pattern { kind: PatternKind::Testsrc });
        assert_eq!((screen.background, screen.foreground), (style.background, style.foreground));
        assert_eq!((screen.audio, screen.message.title.as_str()), (AudioMode::Beep, "We will be right back"));
        let plain = generic(&ScreenStyle { visual_mode: VisualMode::Slate, ..style }, Path::new("/images"));
        assert!(plain.message.is_blank(), "a plain colour is one slate, whatever is not written on it");
    }
}
