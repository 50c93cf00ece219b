//! Reads paths, queries and bodies strictly, and says where the mistake is.
//!
//! Does: turn what a client sent into typed values, or into a problem document with a JSON pointer.
//! Does not: judge values that need the database; handlers do.
//! Invariant: a body that holds an unknown key or is not announced as JSON never reaches a handler.

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::problem::{ApiError, BodyFault};

/// The body, read as JSON.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !announces_json(request.headers()) {
            let detail = "send it as Content-Type: application/json".to_owned();
            return Err(ApiError::BadBody { kind: BodyFault::MediaType, detail });
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let kind = if too_large { BodyFault::TooLarge } else { BodyFault::Malformed };
            ApiError::BadBody { kind, detail: rejection.body_text() }
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = read(&mut reader)?;
        reader.end().map_err(|error| malformed(&error))?;
        Ok(Self(value))
    }
}

/// A request without a body and without an announcement of one has none.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Self::Rejection> {
        if !request.headers().contains_key(header::CONTENT_TYPE) && request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// Reads a value that was assembled from parts of a request, as strictly as a body.
///
/// # Errors
/// Points at the first value that does not fit.
pub fn read_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ApiError> {
    read(value)
}

fn read<'de, T: DeserializeOwned, D>(reader: D) -> Result<T, ApiError>
where
    D: serde::Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        if error.is_data() { ApiError::invalid(pointer, without_position(&error)) } else { malformed(&error) }
    })
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::BadBody { kind: BodyFault::Malformed, detail: error.to_string() }
}

/// The pointer says where; a line and a column of a body that a program wrote say nothing.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if error.line() > 0 => text[..end].to_owned(),
        _ => text,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

fn announces_json(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = announced.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The parts of the path.
#[derive(Debug)]
pub struct PathPart<T>(pub T);

impl<T, S> FromRequestParts<S> for PathPart<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(ApiError::BadParameter { parameter: "the path".into(), detail: rejection.body_text() })
            }
        }
    }
}

/// The query.
#[derive(Debug)]
pub struct QueryPart<T>(pub T);

impl<T, S> FromRequestParts<S> for QueryPart<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(ApiError::BadParameter { parameter: "the query".into(), detail: rejection.body_text() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read to fail")]
        size: u32,
    }

    async fn refusal(kind: &str, body: &str) -> ApiError {
        let request = Request::post("/").header("content-type", kind).body(Body::from(body.to_owned())).unwrap();
        <JsonBody<Outer> as FromRequest<()>>::from_request(request, &()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_mistake_deep_in_the_body_is_pointed_at() {
        let error = refusal("application/json", r#"{"list":[{"size":1},{"size":"x"}]}"#).await;
        let ApiError::Invalid { pointer, detail } = error else { panic!("{error:?}") };
        assert_eq!(pointer, "/list/1/size");
        assert_eq!(detail, "invalid type: string \"x\", expected u32");
    }

    #[tokio::test]
    async fn an_unknown_key_is_a_mistake_and_its_message_names_the_known_ones() {
        let error = refusal("application/json", r#"{"list":[{"sise":1}]}"#).await;
        let ApiError::Invalid { pointer, detail } = error else { panic!("{error:?}") };
        assert_eq!(pointer, "/list/0/sise");
        assert!(detail.contains("expected `size`"), "{detail}");
    }

    #[tokio::test]
    async fn what_is_no_json_is_refused_before_it_is_read() {
        let kind_of = |error| match error {
            ApiError::BadBody { kind, .. } => kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind_of(refusal("text/plain", "{}").await), BodyFault::MediaType);
        assert_eq!(kind_of(refusal("application/json", "{").await), BodyFault::Malformed);
        assert_eq!(kind_of(refusal("application/json; charset=utf-8", "{} {}").await), BodyFault::Malformed);
        let fine = Request::post("/").header("content-type", "application/merge-patch+json").body(Body::from("{}"));
        let read = <JsonBody<Outer> as FromRequest<()>>::from_request(fine.unwrap(), &()).await;
        assert!(read.unwrap().0.list.is_empty());
    }
}
