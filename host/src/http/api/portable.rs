//! `/api/v1/export` and `/api/v1/import`: channels, schedules and collections as one document.

use axum::{Json, extract::State};
use exstreamtv_core::backup::BackupKind;
use exstreamtv_model::{Channel, ChannelId, Schedule};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    http::{
        HttpState,
        extract::{JsonBody, QueryPart},
        problem::ApiError,
    },
    portable::{self, Document, ImportError, PortableChannel, Report},
};

/// How a document is imported.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Returns channels, schedules and collections as they are.
#[utoipa::path(get, path = "/export", tag = "database", responses((status = OK, body = Document)))]
#[tracing::instrument(name = "http.database.export", skip_all)]
pub async fn export(State(state): State<HttpState>) -> Result<Json<Document>, ApiError> {
    Ok(Json(portable::export(&state.store).await?))
}

/// Makes channels, schedules and collections what a document says, after a backup; those that it does not name stay.
#[utoipa::path(
    post, path = "/import", tag = "database", params(ImportQuery), request_body = Document,
    responses((status = OK, body = Report))
)]
#[tracing::instrument(name = "http.database.import", skip_all)]
pub async fn import(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<ImportQuery>,
    JsonBody(document): JsonBody<Document>,
) -> Result<Json<Report>, ApiError> {
    let document = document.of_known_format().map_err(|error| ApiError::invalid("/format", error))?;
    let planned = portable::import(&state.store, &document, true).await?;
    check_schedules(&state, &document).await?;
    if query.dry_run || planned.changes.is_empty() {
        return Ok(Json(Report { dry_run: query.dry_run, ..planned }));
    }
    let before = state.backups.create(BackupKind::PreRestore).await?;
    let report = portable::import(&state.store, &document, false).await?;
    report.touched.iter().for_each(|channel| state.playout.rebuild(*channel));
    // Schedules draw from collections by name, which only their strategies know.
    state.playout.compare();
    tracing::info!(changes = report.changes.len(), before = before.id, "a document was imported");
    Ok(Json(Report { before: Some(before.id), ..report }))
}

/// Lets each strategy look at its settings.
async fn check_schedules(state: &HttpState, document: &Document) -> Result<(), ApiError> {
    let coming: Vec<_> = document.collections.iter().map(|collection| collection.name.as_str()).collect();
    let mut faults = Vec::new();
    for (index, portable) in document.channels.iter().enumerate() {
        let later = portable.waiting.as_ref().and_then(|waiting| waiting.schedule.as_ref());
        for (place, schedule) in [("schedule", portable.schedule.as_ref()), ("waiting.schedule", later)] {
            let Some(schedule) = schedule else { continue };
            let found = state.playout.check_with(&stand_in(portable, schedule), schedule, &coming).await?;
            let written = |path: String| format!("channel[{index}].{place}.{path}");
            faults.extend(found.into_iter().map(|fault| (written(fault.path), fault.message)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Faults(faults)) }
}

/// A channel that is not there yet.
fn stand_in(portable: &PortableChannel, schedule: &Schedule) -> Channel {
    Channel {
        id: ChannelId(0),
        number: portable.number.clone(),
        name: portable.name.clone(),
        group: portable.group.clone(),
        logo: portable.logo.clone(),
        zone: portable.zone,
        profile: portable.profile.clone(),
        collection: None,
        order: portable.order,
        schedule: Some(schedule.clone()),
        tracks: portable.tracks.clone(),
        throttle: portable.throttle,
        enabled: portable.enabled,
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => Self::Store(error),
            ImportError::Faults(faults) => Self::Faults(faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::fakes::{Call, Host, body_json};

    #[tokio::test]
    async fn what_one_server_exports_another_one_imports() {
        let (here, there) = (Host::open().await, Host::open().await);
        let films = json!({"name": "Films", "source": {"type": "query", "kind": "movie"}}).to_string();
        let id = body_json(here.json("POST", "/api/v1/collections", &films).await).await["id"].clone();
        let settings = json!({"slots": [{"slot_id": "a", "start_time": "20:15", "collection_id": id}]});
        let channel = json!({
            "number": "5.1", "name": "Five", "collection": id, "zone": "Europe/Berlin",
            "schedule": {"strategy": "exstreamtv.time-slots", "settings": settings},
        });
        let made = here.json("POST", "/api/v1/channels", &channel.to_string()).await;
        assert_eq!(made.status(), StatusCode::CREATED);
        let document = body_json(here.get("/api/v1/export").await).await;
        assert_eq!(document["channel"][0]["schedule"]["settings"]["slots"][0]["collection_id"], "Films");

        // Other ids there.
        there.json("POST", "/api/v1/collections", r#"{"name":"Other","source":{"type":"manual","items":[]}}"#).await;
        let planned = body_json(there.json("POST", "/api/v1/import?dry_run=true", &document.to_string()).await).await;
        let changes: Vec<_> =
            planned["changes"].as_array().unwrap().iter().map(|change| change["name"].clone()).collect();
        assert_eq!((changes, &planned["dry_run"]), (vec![json!("Films"), json!("5.1")], &json!(true)));
        assert_eq!(there.store.channels().list().await.unwrap(), []);
        assert_eq!(there.calls(), [Call::Compare], "that was the other collection");

        let done = body_json(there.json("POST", "/api/v1/import", &document.to_string()).await).await;
        assert!(done["before"].as_str().unwrap().ends_with("_pre_restore"), "{done}");
        assert!(matches!(there.calls()[1..], [Call::Rebuild(_), Call::Compare]), "{:?}", there.calls());
        assert_eq!(body_json(there.get("/api/v1/export").await).await["channel"], document["channel"]);
        let again = body_json(there.json("POST", "/api/v1/import", &document.to_string()).await).await;
        assert_eq!((&again["changes"], &again["unchanged"], &again["before"]), (&json!([]), &json!(2), &json!(null)));
    }

    #[tokio::test]
    async fn a_document_with_a_mistake_changes_nothing_and_every_mistake_is_named() {
        let host = Host::open().await;
        let order = json!({"by": "name"});
        let document = json!({"format": 1,
            "collection": [{"name": "A", "query": {}}, {"name": "a", "folder": "tv"}],
            "channel": [{"number": "1", "name": "One", "order": order, "collection": "Nothing"}]});
        let refused = host.json("POST", "/api/v1/import", &document.to_string()).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem = body_json(refused).await;
        let places: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
        assert_eq!(places, ["collection[1].name", "collection[1].folder", "channel[0].collection"]);
        host.find_fault("settings.slots[0]", "it is too late");
        let strategy = json!({"format": 1, "channel": [
            {"number": "1", "name": "One", "order": order, "schedule": {"strategy": "x", "settings": {}}}]});
        let problem = body_json(host.json("POST", "/api/v1/import", &strategy.to_string()).await).await;
        assert_eq!(problem["errors"][0]["pointer"], "channel[0].schedule.settings.slots[0]");
        let newer = host.json("POST", "/api/v1/import", r#"{"format":2}"#).await;
        assert!(body_json(newer).await["detail"].as_str().unwrap().contains("install the newer version"));
        assert_eq!(host.store.collections().list().await.unwrap(), []);
        assert_eq!(host.backups.list().await.unwrap(), []);
    }
}
