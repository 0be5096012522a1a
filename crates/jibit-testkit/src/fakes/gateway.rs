use std::{
    fmt, future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use jibit_client::TransportError;

use super::ManualClock;

/// What a [`Fake`] says to one request.
#[derive(Clone, Debug)]
pub enum Said {
    /// This answer.
    Answer(Response<Bytes>),
    /// Nothing: no byte of the request left.
    NotSent,
    /// Nothing, after the request may have arrived.
    Lost,
    /// Nothing, until the time-out.
    Silence,
}

impl Said {
    /// An answer with this status and this JSON.
    ///
    /// # Panics
    ///
    /// If no HTTP answer has that status.
    #[must_use]
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        let mut answer = Response::new(Bytes::from(body.into()));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, json);
        #[allow(clippy::expect_used, reason = "a test's own mistake")]
        let status = StatusCode::from_u16(status).expect("a status of HTTP");
        *answer.status_mut() = status;
        Self::Answer(answer)
    }

    /// The answer to authenticate and refresh.
    #[must_use]
    pub fn tokens(token: &str, refresh_token: &str) -> Self {
        let result = serde_json::json!({ "token": token, "refreshToken": refresh_token });
        let answer = serde_json::json!({ "errorCode": 0, "result": result });
        Self::json(200, answer.to_string())
    }
}

/// A transport without a network: it says what it is told to. Clones are the
/// same gateway.
#[derive(Clone)]
pub struct Fake {
    clock: ManualClock,
    shared: Arc<Mutex<Shared>>,
}

type Script = dyn FnMut(&Request<Bytes>) -> Said + Send;

struct Shared {
    script: Box<Script>,
    requests: Vec<Request<Bytes>>,
}

impl Fake {
    /// Answers by a function of the request.
    pub fn new(
        clock: &ManualClock,
        script: impl FnMut(&Request<Bytes>) -> Said + Send + 'static,
    ) -> Self {
        let shared = Shared {
            script: Box::new(script),
            requests: Vec::new(),
        };
        Self {
            clock: clock.clone(),
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Answers the first request with the first of `script`, and so on. What
    /// comes after the last is lost.
    pub fn script(clock: &ManualClock, script: impl IntoIterator<Item = Said>) -> Self {
        let mut script = script.into_iter().collect::<Vec<_>>().into_iter();
        Self::new(clock, move |_| script.next().unwrap_or(Said::Lost))
    }

    /// The requests that came, in their order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request<Bytes>> {
        let shared = self.shared.lock();
        shared
            .unwrap_or_else(PoisonError::into_inner)
            .requests
            .clone()
    }

    fn say(&self, request: Request<Bytes>) -> Said {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let said = (shared.script)(&request);
        shared.requests.push(request);
        said
    }
}

/// What a transport reports; nothing for silence.
fn outcome(said: Said) -> Option<Result<Response<Bytes>, TransportError>> {
    match said {
        Said::Answer(answer) => Some(Ok(answer)),
        Said::NotSent => Some(Err(TransportError::not_sent("so it is scripted"))),
        Said::Lost => Some(Err(TransportError::unknown("so it is scripted"))),
        Said::Silence => None,
    }
}

#[async_trait]
impl jibit_client::Transport for Fake {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match outcome(self.say(request)) {
            Some(outcome) => outcome,
            None => future::pending().await,
        }
    }
}

impl jibit_blocking::Transport for Fake {
    fn send(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        outcome(self.say(request)).unwrap_or_else(|| {
            self.clock.jump(self.clock.now() + limit);
            Err(TransportError::unknown("no answer in time"))
        })
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").finish_non_exhaustive()
    }
}
