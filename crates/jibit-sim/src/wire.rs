//! The way to the gateway, a step before and after each request.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use jibit_client::{Timestamp, Transport, TransportError};
use jibit_sandbox::{Fate, Operation};

use crate::{
    mistake::Mistake,
    plan::{Alteration, BASE},
    rows::{self, Ours, Row},
    world::{Point, World},
};

/// What an answer of the gateway may hold at most.
const BODY_LIMIT: usize = 64 * 1024;

pub(crate) struct Wire {
    pub(crate) world: World,
    pub(crate) host: usize,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let again = request.clone();
        let (operation, _) = rows::operation(request.uri().path());
        let answer = self.once(request).await;
        let mistake = self.world.state().mistake;
        if mistake == Some(Mistake::LogsRequests) {
            tracing::debug!(body = ?again.body(), "sent");
        }
        match (mistake, &answer) {
            (Some(mistake), Err(_)) if mistake.replays(operation) => self.once(again).await,
            (Some(Mistake::FollowsRedirects), Ok(answer)) => {
                let to = answer.headers().get(header::LOCATION);
                let to = to.and_then(|to| Uri::try_from(to.as_bytes()).ok());
                if let Some(to) = to {
                    let mut elsewhere = again;
                    *elsewhere.uri_mut() = to;
                    self.goes_home(&elsewhere);
                }
                Ok(answer.clone())
            }
            _ => answer,
        }
    }
}

impl Wire {
    async fn once(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        let (operation, id) = rows::operation(&path);
        let name = operation.as_str();
        self.world.step(self.host, Point::Before(name)).await;
        self.world.note(self.host, "sends", || path.clone());
        self.leaves(operation, id, &request).await;
        let mut sent = Sent::begin(self, operation, id, &request);
        let answer = self.travel(operation, id, request).await;
        let ours = self.ours(id);
        let row = rows::row(operation, answer.as_ref(), ours.as_ref());
        sent.ended(row);
        drop(sent);
        let answer = answer.map(|answer| self.misread(operation, id, answer));
        self.world
            .note(self.host, "is answered", || row.as_str().to_owned());
        self.world.step(self.host, Point::After(name)).await;
        answer
    }

    /// To the gateway and back.
    async fn travel(
        &self,
        operation: Operation,
        id: &str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        if self.is_cut_off() {
            return Err(TransportError::not_sent("no way to the gateway"));
        }
        let trip = self.world.state().trip;
        self.world.sleep(trip).await;
        self.world
            .sees(self.host, operation.as_str(), World::gateway_in_words);
        let answer = {
            let mut state = self.world.state();
            state.counts.requests += 1;
            let now = state.now;
            state.gateway.handle(request, now)
        };
        let (mut response, fate) = (answer.response, answer.fate);
        match fate {
            Fate::Deliver => {}
            Fate::Delay(pause) => self.world.sleep(pause).await,
            Fate::Hang => std::future::pending().await,
            Fate::Cut(_) | Fate::Close | Fate::Reset => {
                return Err(TransportError::unknown("the connection broke"));
            }
            Fate::Dribble(pause) => {
                let bytes = u32::try_from(response.body().len()).unwrap_or(u32::MAX);
                self.world.sleep(pause * bytes).await;
            }
            _ => *response.body_mut() = vec![b' '; BODY_LIMIT + 1].into(),
        }
        if response.body().len() > BODY_LIMIT {
            return Err(TransportError::unknown("the answer is too large"));
        }
        if response.status().is_redirection() {
            // The sandbox's redirects lead back to it. A thief's would not.
            let thief = HeaderValue::from_static("https://elsewhere.example/");
            response.headers_mut().insert(header::LOCATION, thief);
        }
        Ok(self.alter(operation, id, response))
    }

    fn is_cut_off(&self) -> bool {
        let mut state = self.world.state();
        let is_refused = state.refused > 0 && state.dice.u8(0..100) < state.refused;
        let host = state.hosts.get(self.host);
        let cut_off = host.and_then(|host| host.cut_off);
        is_refused || cut_off.is_some_and(|(from, to)| from <= state.now && state.now < to)
    }

    fn ours(&self, id: &str) -> Option<Ours> {
        let state = self.world.state();
        let order = state.gateway.order(id)?;
        Some(Ours {
            merchant_order_id: order.merchant_order_id().to_owned(),
            amount: order.amount(),
        })
    }

    /// What becomes of an answer on its way.
    fn alter(&self, operation: Operation, id: &str, response: Response<Bytes>) -> Response<Bytes> {
        let mut state = self.world.state();
        let Some((alteration, chance)) = state.altered else {
            return response;
        };
        let is_hit = state.dice.u8(0..100) < chance;
        drop(state);
        match (operation, alteration) {
            (Operation::Inquiry, Alteration::UnknownState) if is_hit => self.swap(
                response,
                &["\"PURCHASE_BY_USER\"", "\"PGENTRY\""],
                "\"ON_HOLD\"",
                id,
            ),
            (Operation::Initiate, Alteration::ForeignPage) if is_hit => self.swap(
                response,
                &["\"http://127.0.0.1:8090"],
                "\"http://pay.example",
                id,
            ),
            _ => response,
        }
    }

    /// What a mistake reads into an answer.
    fn misread(
        &self,
        operation: Operation,
        id: &str,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        let mistake = self.world.state().mistake;
        match (operation, mistake) {
            (Operation::Inquiry, Some(Mistake::NoLook)) => self.swap(
                response,
                &["\"INITIAL\"", "\"PGENTRY\""],
                "\"PURCHASE_BY_USER\"",
                id,
            ),
            (Operation::Inquiry, Some(Mistake::ComparesIdsExactly)) => self.swap(
                response,
                &["\"merchantOrderId\":\" "],
                "\"merchantOrderId\":\"_",
                id,
            ),
            _ => response,
        }
    }

    /// Puts `to` in the place of each of `from`.
    fn swap(
        &self,
        mut response: Response<Bytes>,
        from: &[&str],
        to: &str,
        id: &str,
    ) -> Response<Bytes> {
        let Ok(text) = std::str::from_utf8(response.body()) else {
            return response;
        };
        let swapped = (from.iter()).fold(text.to_owned(), |text, from| text.replacen(from, to, 1));
        if swapped != text {
            self.world
                .note(self.host, "reads", || format!("{to} of {id}"));
            *response.body_mut() = swapped.into();
        }
        response
    }

    /// What has to be so before these leave.
    async fn leaves(&self, operation: Operation, id: &str, request: &Request<Bytes>) {
        let all = if matches!(operation, Operation::Verify | Operation::Initiate) {
            self.world.orders().await
        } else {
            Vec::new()
        };
        self.goes_home(request);
        let mut state = self.world.state();
        let witness = &mut state.witness;
        match operation {
            Operation::Verify => witness.verify_leaves(self.host, &all, id),
            Operation::Initiate => witness.initiate_leaves(&all, request.body()),
            Operation::Refresh => witness.refresh_leaves(request.body()),
            _ => {}
        }
    }

    /// S13: nothing leaves for anywhere else.
    fn goes_home(&self, request: &Request<Bytes>) {
        let authority = |uri: &Uri| uri.authority().map(ToString::to_string);
        let is_home = authority(request.uri()) == authority(&Uri::from_static(BASE));
        let witness = &mut self.world.state().witness;
        witness.expect(is_home, "S13", || format!("{} is not home", request.uri()));
    }
}

/// A request that is under way. One that is dropped was lost.
struct Sent<'a> {
    wire: &'a Wire,
    operation: Operation,
    id: &'a str,
    body: Bytes,
    begun: Timestamp,
    row: Row,
}

impl<'a> Sent<'a> {
    fn begin(wire: &'a Wire, operation: Operation, id: &'a str, request: &Request<Bytes>) -> Self {
        let mut state = wire.world.state();
        if matches!(operation, Operation::Authenticate | Operation::Refresh) {
            state.witness.renews(wire.host, true);
        }
        Self {
            wire,
            operation,
            id,
            body: request.body().clone(),
            begun: state.now,
            row: Row::Lost,
        }
    }

    const fn ended(&mut self, row: Row) {
        self.row = row;
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let (host, row) = (self.wire.host, self.row);
        let mut state = self.wire.world.state();
        let state = &mut *state;
        state.counts.rows.take(self.operation, row);
        if !row.is_ordinary() {
            state.trouble();
        }
        if state.mistake.is_some() {
            if row.is_ordinary() {
                state.failed.remove(self.id);
            } else {
                state.failed.insert(self.id.to_owned(), self.operation);
            }
        }
        let took = state.now.since(self.begun);
        let witness = &mut state.witness;
        witness.ended(host, self.operation, self.id, row, took);
        match self.operation {
            Operation::Authenticate | Operation::Refresh => witness.renews(host, false),
            _ => {}
        }
        if row.may_have_arrived() {
            match self.operation {
                Operation::Initiate => witness.initiate_is_unknown(&self.body),
                Operation::Refresh if row == Row::Lost => witness.refresh_is_lost(&self.body),
                _ => {}
            }
        }
    }
}
