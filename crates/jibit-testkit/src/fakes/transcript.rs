use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use jibit_client::{Certainty, TransportError};
use serde_json::Value;

/// What was said, as readable lines. Tokens stand in it as `<token 1>`, and
/// bodies that merchants send do not stand in it. Clones are the same transcript.
///
/// ```text
/// -> POST /order/verify/7wvkgrn0   authorization: Bearer <token 1>
/// <- lost (it may have arrived)
/// .. wait 231ms
/// -> GET /order/inquiry/7wvkgrn0   authorization: Bearer <token 1>
/// <- 200 {"amount":100,"statusV":"PURCHASE_CONFIRM_BY_MERCHANT"}
/// ```
#[derive(Clone, Default)]
pub struct Transcript(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    /// The tokens by number.
    tokens: Vec<String>,
}

impl Transcript {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn note(&self, line: &str) {
        self.lock().lines.push(line.to_owned());
    }

    fn sent(&self, request: &Request<Bytes>) {
        let mut state = self.lock();
        let mut line = format!("-> {} {}", request.method(), request.uri().path());
        if let Some(bearer) = request.headers().get(header::AUTHORIZATION) {
            let bearer = String::from_utf8_lossy(bearer.as_bytes()).into_owned();
            let token = bearer.strip_prefix("Bearer ").unwrap_or(&bearer);
            let name = state.name(token);
            line.push_str(&format!("   authorization: Bearer {name}"));
        }
        state.lines.push(line);
    }

    fn came(&self, outcome: &Result<Response<Bytes>, TransportError>) {
        let mut state = self.lock();
        let line = match outcome {
            Ok(answer) => {
                let body = state.readable(answer.body());
                format!("<- {} {body}", answer.status().as_u16())
            }
            Err(error) if error.certainty() == Certainty::NothingHappened => {
                "<- not sent".to_owned()
            }
            Err(_) => "<- lost (it may have arrived)".to_owned(),
        };
        state.lines.push(line);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn name(&mut self, token: &str) -> String {
        let known = self.tokens.iter().position(|known| known == token);
        let index = known.unwrap_or_else(|| {
            self.tokens.push(token.to_owned());
            self.tokens.len() - 1
        });
        format!("<token {}>", index + 1)
    }

    fn readable(&mut self, body: &Bytes) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(mut value) => {
                self.mask(&mut value);
                value.to_string()
            }
            Err(_) => format!("({} bytes that are not JSON)", body.len()),
        }
    }

    fn mask(&mut self, value: &mut Value) {
        if let Value::Object(fields) = value {
            for (key, value) in fields {
                match value {
                    Value::String(text) if matches!(&**key, "token" | "refreshToken") => {
                        *text = self.name(&text.clone());
                    }
                    value => self.mask(value),
                }
            }
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lock().lines.clone();
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("lines", &self.lock().lines.len())
            .finish_non_exhaustive()
    }
}

/// A transport whose exchanges are noted in a [`Transcript`].
#[derive(Clone, Debug)]
pub struct Recorded<T> {
    transport: T,
    transcript: Transcript,
}

impl<T> Recorded<T> {
    /// Notes what `transport` sends and brings.
    #[must_use]
    pub fn new(transport: T, transcript: &Transcript) -> Self {
        Self {
            transport,
            transcript: transcript.clone(),
        }
    }
}

#[async_trait]
impl<T: jibit_client::Transport> jibit_client::Transport for Recorded<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.transcript.sent(&request);
        let mut end = Unanswered(Some(&self.transcript));
        let outcome = self.transport.send(request).await;
        end.0 = None;
        self.transcript.came(&outcome);
        outcome
    }
}

/// Notes the answer as lost if its driver gives it up.
struct Unanswered<'a>(Option<&'a Transcript>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(transcript) = self.0 {
            transcript.note("<- lost (it may have arrived)");
        }
    }
}

impl<T: jibit_blocking::Transport> jibit_blocking::Transport for Recorded<T> {
    fn send(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        self.transcript.sent(&request);
        let outcome = self.transport.send(request, limit);
        self.transcript.came(&outcome);
        outcome
    }
}
