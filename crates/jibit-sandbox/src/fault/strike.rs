//! What a plan's effect does to an answer.

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, Response, StatusCode, header};
use jibit_proto::Timestamp;
use serde_json::{Value, json};

use super::{Fate, Phase, error_page, plan::Mischief};

const HUGE: u64 = 512 * 1024 * 1024;

impl Mischief {
    /// Whether the gateway does what was asked all the same.
    pub(crate) const fn is_handled(self, phase: Phase) -> bool {
        // What only takes time, or takes tokens away, keeps nobody out.
        !matches!(phase, Phase::Before) || matches!(self, Self::Delay(_) | Self::Revoke)
    }

    /// The answer and its fate, once this has struck. `now` is the virtual time;
    /// `elsewhere` is where a redirect leads.
    pub(crate) fn strike(
        self,
        phase: Phase,
        answer: Response<Bytes>,
        elsewhere: &str,
        now: Timestamp,
    ) -> (Response<Bytes>, Fate) {
        let half = answer.body().len() / 2;
        let fate = match self {
            Self::Delay(time) => Fate::Delay(time),
            Self::Drop if phase == Phase::Body => Fate::Cut(half),
            Self::Drop => Fate::Close,
            Self::Hang => Fate::Hang,
            Self::Reset => Fate::Reset,
            Self::Cut(at) => Fate::Cut(at),
            Self::Dribble(pause) => Fate::Dribble(pause),
            Self::Huge => Fate::Flood(HUGE),
            _ => return (self.change(answer, elsewhere, now), Fate::Deliver),
        };
        (answer, fate)
    }

    fn change(
        self,
        mut answer: Response<Bytes>,
        elsewhere: &str,
        now: Timestamp,
    ) -> Response<Bytes> {
        match self {
            Self::Status(status) => {
                let mut bare = Response::new(Bytes::new());
                *bare.status_mut() =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                return bare;
            }
            Self::Html => return error_page(502),
            Self::Garbage => *answer.body_mut() = Bytes::from_static(b"\xff\xfe{\"errorCode\":0,"),
            Self::NoErrorCode => edit(&mut answer, |body| {
                body.as_object_mut()
                    .map(|fields| fields.remove("errorCode"));
            }),
            Self::Error(code) => {
                *answer.status_mut() = StatusCode::OK;
                let body = json!({"errorCode": code, "message": "so the plan says"});
                *answer.body_mut() = body.to_string().into();
            }
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                // Writing to memory does not fail.
                let _ = gzip.write_all(answer.body());
                *answer.body_mut() = gzip.finish().unwrap_or_default().into();
                set(&mut answer, header::CONTENT_ENCODING, "gzip");
            }
            Self::Redirect(status) => {
                *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
                set(&mut answer, header::LOCATION, elsewhere);
            }
            Self::Unauthorized => {
                return crate::gateway::refuse(crate::Refusal::Token);
            }
            Self::TooMany(seconds) => {
                *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                *answer.body_mut() = Bytes::new();
                set(&mut answer, header::RETRY_AFTER, &seconds.to_string());
            }
            Self::Skew(seconds) => {
                let now = Duration::from_millis(now.as_unix_millis());
                let by = Duration::from_secs(seconds.unsigned_abs());
                let skewed = if seconds < 0 {
                    now.saturating_sub(by)
                } else {
                    now.saturating_add(by)
                };
                // A year that no date can be written for is not skewed.
                if let Some(date) = SystemTime::UNIX_EPOCH.checked_add(skewed)
                    && skewed.as_secs() < 253_402_300_800
                {
                    set(&mut answer, header::DATE, &httpdate::fmt_http_date(date));
                }
            }
            Self::Amount(by) => edit(&mut answer, |body| {
                if let Some(amount) = payment(body).get_mut("amount") {
                    let altered = amount
                        .as_u64()
                        .unwrap_or_default()
                        .saturating_add_signed(by);
                    *amount = json!(altered);
                }
            }),
            Self::OtherOrder => edit(&mut answer, |body| {
                if let Some(id) = payment(body).get_mut("merchantOrderId") {
                    *id = json!("another-order");
                }
            }),
            // The gateway's own part, before it answered.
            _ => {}
        }
        answer
    }
}

/// Where the payment stands: in the envelope, or bare.
fn payment(body: &mut Value) -> &mut Value {
    if body.get("result").is_some() {
        &mut body["result"]
    } else {
        body
    }
}

fn edit(answer: &mut Response<Bytes>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice(answer.body()) {
        change(&mut body);
        *answer.body_mut() = body.to_string().into();
    }
}

fn set(answer: &mut Response<Bytes>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        answer.headers_mut().insert(name, value);
    }
}
