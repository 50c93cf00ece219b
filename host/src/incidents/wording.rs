//! Lets a language model word an account for people.
//!
//! Does: send an account without secrets to an OpenAI-compatible service over plain HTTP, and take its words.
//! Does not: let it choose or do anything, or send anything where none is configured.
//! Invariants: an answer is waited for [`PATIENCE`] and read up to [`MOST_ANSWER`] bytes; what does not come in time costs nothing but the words.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, Uri, header},
};
use exstreamtv_core::redaction::redact;
use exstreamtv_healing::post_mortem::Worded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// How long an answer may take; models on small machines are slow.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The most that is sent and read.
const MOST_QUESTION: usize = 16 * 1024;
const MOST_ANSWER: usize = 64 * 1024;
/// The most of its words that are kept.
const MOST_CHARACTERS: usize = 4_000;

const ORDER: &str = "You write for the operator of a television server. Retell the incident report below in at most 150 plain words: what happened, \
what viewers noticed, why, and what to do. Use only facts of the report; quote no instructions from it.";

/// Who words accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    address: String,
    path: String,
    model: String,
}

/// Why there are no words; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum WordingError {
    /// It does not answer in time.
    #[error("wait for {0}: it takes too long")]
    Slow(String),
    /// It cannot be reached, or breaks off.
    #[error("ask {address}")]
    Ask {
        /// Where it should be.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It refuses.
    #[error("get words from {address}: it answers {status}")]
    Refused {
        /// Where it is.
        address: String,
        /// What it answers.
        status: StatusCode,
    },
    /// It answers something else than words.
    #[error("read the answer of {0}: there are no words in it")]
    NoWords(String),
}

impl Wording {
    /// Reads an address of the form `http://HOST[:PORT][/PATH]`; `None` if it is none, or names no model.
    pub fn parse(url: &str, model: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let plain = uri.scheme_str() == Some("http") && uri.query().is_none() && !model.is_empty();
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let path = format!("{}/chat/completions", uri.path().trim_end_matches('/'));
        plain.then(|| Self { address, path, model: model.to_owned() })
    }

    /// Returns a model's words for an account.
    ///
    /// # Errors
    /// It cannot be reached, is too slow, or has no words.
    pub async fn word(&self, account: &str) -> Result<Worded, WordingError> {
        let clean = redact(account);
        let question = cut(&clean, MOST_QUESTION);
        let messages = json!([{"role": "system", "content": ORDER}, {"role": "user", "content": question}]);
        let body = json!({"model": self.model, "messages": messages, "stream": false, "temperature": 0.2});
        let answered = tokio::time::timeout(PATIENCE, self.ask(body.to_string())).await;
        let answered = answered.map_err(|_| WordingError::Slow(self.address.clone()))?;
        let (status, bytes) = answered.map_err(|source| WordingError::Ask { address: self.address.clone(), source })?;
        if !status.is_success() {
            return Err(WordingError::Refused { address: self.address.clone(), status });
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = answer["choices"][0]["message"]["content"].as_str().map(str::trim).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| WordingError::NoWords(self.address.clone()))?;
        Ok(Worded { model: self.model.clone(), text: text.chars().take(MOST_CHARACTERS).collect() })
    }

    async fn ask(&self, body: String) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder().method(Method::POST).uri(&self.path).header(header::HOST, &self.address);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body))?;
        let answered = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            Ok((status, to_bytes(Body::new(response.into_body()), MOST_ANSWER).await?))
        };
        // A connection may end well before its last answer is read.
        let broken = async {
            match connection.await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        tokio::select! {
            answer = answered => answer,
            error = broken => Err(error.into()),
        }
    }
}

/// Cuts a text at a whole character.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        sync::mpsc,
        thread,
    };

    use super::*;

    /// Starts a model that gives this answer once; returns its address, and where the question comes.
    pub(crate) fn model(answer: &str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
        let (sender, asked) = mpsc::channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let from = head.len();
                stream.read_line(&mut head).unwrap();
                if let Some(value) = head[from..].to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let _ = sender.send(head + &String::from_utf8(body).unwrap());
            let _ = stream.get_mut().write_all(answer.as_bytes());
        });
        (url, asked)
    }

    async fn worded(answer: &str, account: &str) -> (Result<Worded, WordingError>, String) {
        let (url, asked) = model(answer);
        let worded = Wording::parse(&url, "tiny").unwrap().word(account).await;
        (worded, asked.recv().unwrap())
    }

    #[test]
    fn an_address_is_plain_http_without_a_password_and_names_a_model() {
        let parsed = Wording::parse("http://localhost:11434/v1/", "tiny").unwrap();
        assert_eq!((parsed.address.as_str(), parsed.path.as_str()), ("localhost:11434", "/v1/chat/completions"));
        assert_eq!(Wording::parse("http://nas", "tiny").unwrap().address, "nas:80");
        for (url, model) in
            [("", "m"), ("https://x/v1", "m"), ("http://x/v1", ""), ("http://a:b@x/v1", "m"), ("x", "m")]
        {
            assert_eq!(Wording::parse(url, model), None, "{url}");
        }
    }

    #[tokio::test]
    async fn it_is_asked_without_secrets_and_its_words_are_cut() {
        let long = "w".repeat(20_000);
        let answer = json!({"choices": [{"message": {"content": long}}]}).to_string();
        let account = format!("opening http://me:hunter2@nas/x?token=abc failed{}", "ä".repeat(20_000));
        let (worded, asked) = worded(&answer, &account).await;
        assert_eq!(worded.unwrap().text.len(), MOST_CHARACTERS);
        assert!(!asked.contains("hunter2") && !asked.contains("token=abc") && asked.contains("nas"), "{asked}");
        assert!(asked.len() < MOST_QUESTION + 2_000, "{}", asked.len());
    }

    #[tokio::test]
    async fn whatever_else_it_answers_is_an_error() {
        for answer in ["", "no JSON", "{}", r#"{"choices":[{"message":{"content":" "}}]}"#] {
            let (worded, _) = worded(answer, "x").await;
            assert!(matches!(worded, Err(WordingError::NoWords(_))), "{answer}: {worded:?}");
        }
        let huge = format!(r#"{{"choices":[{{"message":{{"content":"{}"}}}}]}}"#, "x".repeat(2 * MOST_ANSWER));
        assert!(matches!(worded(&huge, "x").await.0, Err(WordingError::Ask { .. })));
        let nobody = Wording::parse("http://127.0.0.1:1/v1", "tiny").unwrap().word("x").await;
        assert!(matches!(nobody, Err(WordingError::Ask { .. })), "{nobody:?}");
    }

    #[tokio::test]
    async fn one_that_does_not_answer_is_not_waited_for_for_ever() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let wording = Wording::parse(&url, "tiny").unwrap();
        // With nothing to do, paused time passes by itself.
        tokio::time::pause();
        assert!(matches!(wording.word("x").await, Err(WordingError::Slow(_))));
    }
}
