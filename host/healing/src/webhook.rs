//! What media servers tell by webhook.
//!
//! Does: read the documents of Plex, Jellyfin's webhook plugin and Emby, and say in one sentence what happened.
//! Does not: trust them: unknown events are kept with the name they have, and nothing is looked up or acted upon.
//! Invariant: any JSON object gives an event; what is no object is refused with a reason.
//!
//! Formats: Plex, <https://support.plex.tv/articles/115002267687-webhooks/> (the part `payload` of a form); Jellyfin's webhook plugin with "Send All
//! Properties" (flat names such as `NotificationType`); Emby 4.8 (`Event`, `Title`, `Server`, `Item`, `User`).

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::event::{Draft, LogLevel, LogSource};

/// Who tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// A Plex Media Server.
    Plex,
    /// A Jellyfin server.
    Jellyfin,
    /// An Emby server.
    Emby,
}

/// Why a document is refused; fits after "failed to".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoObject;

impl std::fmt::Display for NoObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("read the webhook: it is no JSON object")
    }
}

impl std::error::Error for NoObject {}

/// Where each teller keeps what we want to know: the name of the event, the server, the user, the player, the film, the series.
struct Places {
    source: LogSource,
    event: &'static [&'static str],
    told: &'static [(&'static str, &'static [&'static str])],
}

const PLEX: Places = Places {
    source: LogSource::Plex,
    event: &["/event"],
    told: &[
        ("server", &["/Server/title"]),
        ("user", &["/Account/title"]),
        ("player", &["/Player/title"]),
        ("title", &["/Metadata/title"]),
        ("series", &["/Metadata/grandparentTitle"]),
        ("kind", &["/Metadata/type"]),
        ("library", &["/Metadata/librarySectionTitle"]),
    ],
};

const JELLYFIN: Places = Places {
    source: LogSource::Jellyfin,
    event: &["/NotificationType"],
    told: &[
        ("server", &["/ServerName"]),
        ("version", &["/ServerVersion"]),
        ("user", &["/NotificationUsername", "/Username"]),
        ("player", &["/DeviceName", "/ClientName"]),
        ("title", &["/Name"]),
        ("series", &["/SeriesName"]),
        ("kind", &["/ItemType"]),
        ("task", &["/TaskName"]),
        ("result", &["/ResultStatus"]),
        ("detail", &["/ResultErrorMessage", "/ExceptionMessage"]),
    ],
};

const EMBY: Places = Places {
    source: LogSource::Jellyfin,
    event: &["/Event"],
    told: &[
        ("server", &["/Server/Name"]),
        ("version", &["/Server/Version"]),
        ("user", &["/User/Name"]),
        ("player", &["/Session/DeviceName"]),
        ("title", &["/Item/Name"]),
        ("series", &["/Item/SeriesName"]),
        ("kind", &["/Item/Type"]),
        ("detail", &["/Description", "/Title"]),
    ],
};

/// Returns what a webhook says.
///
/// # Errors
/// If it is no JSON object.
pub fn read(teller: Teller, document: &Value, now: DateTime<Utc>) -> Result<Draft, NoObject> {
    let Value::Object(members) = document else { return Err(NoObject) };
    let (places, name) = match teller {
        Teller::Plex => (PLEX, "Plex"),
        Teller::Jellyfin => (JELLYFIN, "Jellyfin"),
        Teller::Emby => (EMBY, "Emby"),
    };
    let event = text_at(document, places.event).unwrap_or_else(|| "an event without a name".to_owned());
    let told = places.told.iter().filter_map(|(name, at)| Some(((*name).to_owned(), text_at(document, at)?)));
    let told: Map<String, Value> = told.map(|(name, text)| (name, Value::from(text))).collect();
    let mut draft = Draft::new(now, places.source, level(&event, members), sentence(name, &event, &told));
    draft.component = told.get("server").and_then(Value::as_str).map(ToOwned::to_owned);
    draft.tags = vec!["webhook".to_owned(), name.to_lowercase(), event.to_lowercase()];
    draft.parsed_data = told.into_iter().collect();
    draft.parsed_data.insert("event".to_owned(), event.into());
    Ok(draft)
}

fn text_at(document: &Value, places: &[&str]) -> Option<String> {
    let found = places.iter().find_map(|place| document.pointer(place).filter(|value| !value.is_null()))?;
    match found {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(found.to_string()),
        _ => None,
    }
}

fn sentence(name: &str, event: &str, told: &Map<String, Value>) -> String {
    let said = |key: &str| told.get(key).and_then(Value::as_str);
    let what = match (said("series"), said("title")) {
        (Some(series), Some(title)) => format!(" {series}: {title}"),
        (None, Some(title)) => format!(" {title}"),
        _ => said("task").map(|task| format!(" {task}")).unwrap_or_default(),
    };
    let detail = said("detail").or(said("result")).map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{name}: {event}{what}{detail}")
}

/// Events that tell of a fault; everything else is news.
fn level(event: &str, members: &Map<String, Value>) -> LogLevel {
    let event = event.to_lowercase();
    let failed = members.get("ResultStatus").and_then(Value::as_str).is_some_and(|status| status == "Failed");
    let is = |words: &[&str]| words.iter().any(|word| event.contains(word));
    match () {
        () if is(&["corrupted", "failure", "failed"]) || failed => LogLevel::Error,
        () if is(&["pendingrestart", "locked", "authenticationfail", "system.serverrestartrequired"]) => {
            LogLevel::Warning
        }
        () => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::tests::at;

    fn told(teller: Teller, document: &Value) -> Draft {
        read(teller, document, at(0)).unwrap()
    }

    #[test]
    fn plex_tells_who_plays_what() {
        let document = json!({
            "event": "media.play", "user": true, "owner": true,
            "Account": { "id": 1, "thumb": "https://plex.tv/users/1/avatar", "title": "anna" },
            "Server": { "title": "Office", "uuid": "54664a3d8acc39983675640ec9ce00b70af9cc36" },
            "Player": { "local": true, "publicAddress": "200.200.200.200", "title": "Plex Web (Safari)", "uuid": "r6yfkdnfggbh2bdnvkffwbms" },
            "Metadata": { "librarySectionType": "show", "title": "Pilot", "grandparentTitle": "Dark", "type": "episode" }
        });
        let draft = told(Teller::Plex, &document);
        assert_eq!(
            (draft.source, draft.level, draft.message.as_str()),
            (LogSource::Plex, LogLevel::Info, "Plex: media.play Dark: Pilot")
        );
        assert_eq!((draft.component.as_deref(), &draft.parsed_data["user"]), (Some("Office"), &json!("anna")));
        assert_eq!(draft.tags, ["webhook", "plex", "media.play"]);
        let broken =
            told(Teller::Plex, &json!({ "event": "admin.database.corrupted", "Server": { "title": "Office" } }));
        assert_eq!((broken.level, broken.message.as_str()), (LogLevel::Error, "Plex: admin.database.corrupted"));
    }

    #[test]
    fn jellyfin_tells_of_tasks_and_films() {
        let document = json!({
            "ServerId": "x", "ServerName": "nas", "ServerVersion": "10.10.7", "NotificationType": "TaskCompleted",
            "TaskName": "Scan Media Library", "ResultStatus": "Failed", "ResultErrorMessage": "disk is gone"
        });
        let draft = told(Teller::Jellyfin, &document);
        assert_eq!(draft.message, "Jellyfin: TaskCompleted Scan Media Library (disk is gone)");
        assert_eq!((draft.source, draft.level), (LogSource::Jellyfin, LogLevel::Error));
        let added = json!({ "NotificationType": "ItemAdded", "Name": "Metropolis", "Year": 1927, "ItemType": "Movie" });
        assert_eq!(told(Teller::Jellyfin, &added).message, "Jellyfin: ItemAdded Metropolis");
    }

    #[test]
    fn emby_tells_the_same_in_its_own_way() {
        let document = json!({
            "Title": "anna has failed to log in", "Event": "user.authenticationfailed", "Date": "2026-11-27T10:00:00Z",
            "Server": { "Name": "attic", "Version": "4.8.10.0" }, "User": { "Name": "anna" }
        });
        let draft = told(Teller::Emby, &document);
        assert_eq!(draft.message, "Emby: user.authenticationfailed (anna has failed to log in)");
        assert_eq!((draft.component.as_deref(), draft.tags[1].as_str()), (Some("attic"), "emby"));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(read(Teller::Plex, &json!([1]), at(0)), Err(NoObject));
        assert_eq!(told(Teller::Plex, &json!({})).message, "Plex: an event without a name");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), "\\PC{0,30}".prop_map(Value::from)];
        leaf.prop_recursive(3, 40, 6, |inner| {
            let name = prop_oneof![
                Just("event".to_owned()),
                Just("Metadata".to_owned()),
                Just("Server".to_owned()),
                "[a-zA-Z]{1,8}"
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused(document in any_json()) {
            for teller in [Teller::Plex, Teller::Jellyfin, Teller::Emby] {
                prop_assert_eq!(read(teller, &document, at(0)).is_ok(), document.is_object());
            }
        }
    }
}
