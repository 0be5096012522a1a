//! A model of the session: many calls over one session, whatever the network,
//! the gateway, the customers and the drivers do.
//!
//! The driver here polls a call only when the session woke it or when its own
//! time has come. What is checked bears the names of the safety rules; a
//! failing run is shrunk to the few operations that it takes.

mod calls;
mod gateway;
pub(super) mod ops;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jibit_proto::session::{Answer, CallId, Outgoing, Step};
use jibit_proto::wire::{MAX_BODY, Operation};
use jibit_proto::{Config, Secret, Session, Timestamp, TransportError};

use calls::{Call, UnderWay};
use gateway::{Gateway, is_renewal, refused, subject};
use ops::{Fate, Kind, Op, Pick};
use rules::clean;

const START: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);
const ORIGIN: &str = "http://127.0.0.1:8090";
const ATTEMPT: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(5);
const TOKEN_LIFE: Duration = Duration::from_secs(1000);
pub(super) const PAID: &str = "PURCHASE_BY_USER";
const CONFIRMED: &str = "PURCHASE_CONFIRM_BY_MERCHANT";
pub(super) const CANCELLED: [&str; 2] = ["CANCEL_BY_USER", "CANCEL_BY_SYSTEM"];

/// The session's newest pair, as far as the wire shows it.
#[derive(Clone)]
struct Newest {
    token: String,
    received: Timestamp,
    rejected: bool,
}

impl Newest {
    /// Whether nobody has a reason to renew it.
    fn is_good(&self, now: Timestamp) -> bool {
        !self.rejected && now < self.received + TOKEN_LIFE * 9 / 10
    }
}

struct World {
    session: Session,
    max_in_flight: usize,
    now: Timestamp,
    gateway: Gateway,
    calls: BTreeMap<CallId, Call>,
    begun: usize,
    sent: u64,
    lost: Vec<Outgoing>,
    /// merchantOrderIds that were reported as never registered.
    never: BTreeSet<String>,
    /// Counts what makes an answer to an older renewal worthless.
    epoch: u64,
    newest: Option<Newest>,
    renewed: Option<Timestamp>,
    /// Renewals under a lease: who, and since when.
    renewals: Vec<(CallId, Timestamp)>,
    spent: BTreeSet<String>,
    exported: Option<(Secret, Newest)>,
    /// When the slots are taken back of calls that vanished.
    vanished: Vec<Timestamp>,
    /// Whether a waiting call vanished: then a slot may be promised to nobody.
    blurred: bool,
}

impl World {
    fn new(max_in_flight: usize, seed: u64) -> Self {
        let config = Config::new(ORIGIN, "7746", Secret::new("S3cr3t-password"))
            .attempt_timeout(ATTEMPT)
            .max_in_flight(max_in_flight);
        let mut gateway = Gateway {
            password: "S3cr3t-password".to_owned(),
            tokens: 0,
            token: None,
            refresh_token: None,
            orders: Vec::new(),
        };
        for (n, (state, amount)) in [(PAID, 100), (PAID, 100), (PAID, 999), ("INITIAL", 100)]
            .into_iter()
            .enumerate()
        {
            gateway.add(format!("m-{n}"), state, amount);
        }
        Self {
            session: Session::new(config, seed).unwrap(),
            max_in_flight,
            now: START,
            gateway,
            calls: BTreeMap::new(),
            begun: 0,
            sent: 0,
            lost: Vec::new(),
            never: BTreeSet::new(),
            epoch: 0,
            newest: None,
            renewed: None,
            renewals: Vec::new(),
            spent: BTreeSet::new(),
            exported: None,
            vanished: Vec::new(),
            blurred: false,
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Begin(kind, order, seconds) => {
                self.begin(kind, order, seconds);
            }
            Op::Answer(pick, fate, took) => {
                if let Some(id) = self.picked(&pick) {
                    self.answer(id, &fate, took);
                }
            }
            Op::Late(index) if !self.lost.is_empty() => {
                let out = self.lost.remove(index % self.lost.len());
                self.handle(&out);
            }
            Op::Stall(pick) => {
                if let Some(id) = self.picked(&pick) {
                    self.call(id).under_way.as_mut().unwrap().stalled = true;
                }
            }
            Op::Abandon(pick) => {
                if let Some(id) = self.picked(&pick) {
                    self.abandon(id);
                }
            }
            Op::AbandonLeader => {
                if let Some((leader, since)) = self.renewals.last().copied()
                    && self.calls.contains_key(&leader)
                    && since < self.now
                {
                    self.abandon(leader);
                    self.settle();
                    // A call that has just begun waits for nothing but a lease or a pause.
                    let id = self.begin(Kind::Authenticate, 0, 600);
                    let waits = self.calls.get(&id).map(|call| call.wait);
                    assert_ne!(
                        waits,
                        Some(since + ATTEMPT + GRACE),
                        "S12: a lease that nobody holds"
                    );
                }
            }
            Op::Vanish(pick) => self.vanish(&pick),
            Op::Advance(millis) => self.run_until(self.now + Duration::from_millis(millis)),
            Op::Nudge => self.nudge(),
            Op::Password(known) => {
                let password = format!("S3cr3t-password-{}-{known}", self.sent);
                if known {
                    self.gateway.password.clone_from(&password);
                }
                self.session.set_password(Secret::new(password));
                (self.newest, self.renewed) = (None, None);
                self.renewals.clear();
                self.epoch += 1;
            }
            Op::Export => {
                if let Some(saved) = self.session.export() {
                    let newest = self
                        .newest
                        .clone()
                        .expect("S12: tokens that nobody handed out");
                    self.exported = Some((saved, newest));
                }
            }
            Op::Restore => {
                if let Some((saved, newest)) = &self.exported {
                    self.session.restore(saved).unwrap();
                    self.newest = Some(Newest {
                        rejected: false,
                        ..newest.clone()
                    });
                    self.epoch += 1;
                    // What an older run spent meanwhile, this one does not know.
                    self.spent.retain(|token| !saved.expose().contains(token));
                }
            }
            Op::Revoke => self.gateway.token = None,
            Op::Move(index, to) => {
                let order = index % self.gateway.orders.len();
                let order = &mut self.gateway.orders[order];
                let rank = |state| {
                    ["INITIAL", "PGENTRY", PAID]
                        .iter()
                        .position(|s| *s == state)
                        .unwrap_or(3)
                };
                if rank(to) > rank(order.state) {
                    order.state = to;
                }
            }
            Op::Late(_) => {}
        }
        self.settle();
        self.check();
    }

    fn call(&mut self, id: CallId) -> &mut Call {
        self.calls.get_mut(&id).unwrap()
    }

    fn picked(&self, pick: &Pick) -> Option<CallId> {
        let sent = |(id, call): (&CallId, &Call)| Some((call.under_way.as_ref()?.sent, *id));
        let mut under_way: Vec<_> = self.calls.iter().filter_map(sent).collect();
        under_way.sort();
        let picked = match pick {
            Pick::Oldest => under_way.first(),
            Pick::Newest => under_way.last(),
            Pick::Any(_) if under_way.is_empty() => None,
            Pick::Any(index) => under_way.get(index % under_way.len()),
        };
        picked.map(|(_, id)| *id)
    }

    fn begin(&mut self, kind: Kind, order: usize, seconds: u64) -> CallId {
        let orders = self.gateway.orders.len();
        let (order, merchant_order_id) = match (kind, order) {
            (Kind::Initiate, _) => (0, format!("new-{}", self.begun)),
            (_, 0..4) => (order, format!("m-{order}")),
            _ => (orders, format!("m-{orders}")),
        };
        if order == orders {
            self.gateway.add(merchant_order_id.clone(), PAID, 100);
        }
        self.begun += 1;
        // In a long queue each looks more rarely for the slot of a call that vanished.
        self.blurred |= self.calls.len() >= 64;
        let deadline = self.now + Duration::from_secs(seconds);
        let ready = !self.blurred
            && kind != Kind::Authenticate
            && self.slots_taken() < self.max_in_flight
            && self
                .newest
                .as_ref()
                .is_some_and(|newest| newest.is_good(self.now));
        let (id, call) = Call::begin(
            &mut self.session,
            (kind, order, merchant_order_id),
            self.now,
            deadline,
        );
        self.calls.insert(id, call);
        self.poll(id);
        let sends = |call: &Call| call.under_way.is_some();
        assert!(
            !ready || self.calls.get(&id).is_some_and(sends),
            "S11: {id:?} waits, with a good token and a free slot"
        );
        id
    }

    // The driver.

    fn poll(&mut self, id: CallId) {
        let now = self.now;
        let call = self.calls.get_mut(&id).unwrap();
        let step = call.run.poll(&mut self.session, now);
        if !matches!(step, Step::Wait(_)) {
            clean(&format!("{step:?}"));
        }
        match step {
            Step::Send(out) => self.send(id, out),
            Step::Wait(until) => {
                (call.polled, call.wait) = (now, until);
                if call.under_way.is_none() {
                    assert!(
                        until > now,
                        "S11: {id:?} waits for what is past, a busy loop"
                    );
                    assert!(
                        until <= call.deadline,
                        "S11: {id:?} waits past its deadline"
                    );
                }
            }
            Step::Done(outcome) => self.done(id, &outcome),
        }
    }

    fn settle(&mut self) {
        while let Some(id) = self.session.take_woken() {
            if self.calls.contains_key(&id) {
                self.poll(id);
            }
        }
    }

    /// Lets the time pass, and what it brings happen at its instant.
    fn run_until(&mut self, end: Timestamp) {
        loop {
            let due = |(id, call): (&CallId, &Call)| match &call.under_way {
                Some(under_way) if under_way.stalled => None,
                Some(under_way) => Some((under_way.out.until, *id)),
                None => Some((call.wait, *id)),
            };
            let Some((at, id)) = self
                .calls
                .iter()
                .filter_map(due)
                .min()
                .filter(|(at, _)| *at <= end)
            else {
                break;
            };
            self.now = self.now.max(at);
            if self.call(id).under_way.is_some() {
                self.answer(id, &Fate::Lost, false);
            } else {
                self.poll(id);
            }
            self.settle();
        }
        self.now = end;
    }

    fn abandon(&mut self, id: CallId) {
        self.renewals.retain(|(leader, _)| *leader != id);
        let call = self.calls.remove(&id).unwrap();
        self.lost
            .extend(call.under_way.map(|under_way| under_way.out));
        call.run.abandon(&mut self.session);
    }

    fn vanish(&mut self, pick: &Pick) {
        let waits = |(_, call): &(_, &Call)| call.under_way.is_none();
        let id = match pick {
            Pick::Any(_) => self.calls.iter().find(waits).map(|(id, _)| *id),
            _ => self.picked(pick),
        };
        let Some(id) = id else { return };
        let Some(UnderWay { out, .. }) = self.calls.remove(&id).unwrap().under_way else {
            self.blurred = true;
            return;
        };
        if !is_renewal(&out) {
            self.vanished.push(out.until + GRACE);
        }
        self.lost.push(out);
    }

    /// A call that could go on was woken: polled all the same, the others wait.
    fn nudge(&mut self) {
        // Who waits for a slot may find on the way that the tokens want renewing.
        if self.blurred || self.slots_taken() >= self.max_in_flight {
            return;
        }
        let parked = |(id, call): (&CallId, &Call)| call.under_way.is_none().then_some(*id);
        for id in self.calls.iter().filter_map(parked).collect::<Vec<_>>() {
            let (session, now) = (&mut self.session, self.now);
            let call = self.calls.get_mut(&id).unwrap();
            match call.run.poll(session, now) {
                Step::Wait(until) => (call.polled, call.wait) = (now, until),
                step => panic!("S11: {id:?} could go on and nobody woke it: {step:?}"),
            }
        }
    }

    /// Lets the gateway take up a request.
    fn handle(&mut self, out: &Outgoing) -> Response<Bytes> {
        let answer = self.gateway.handle(out, self.now);
        let latest = self.gateway.orders.last().unwrap();
        assert!(
            !self.never.contains(&latest.merchant_order_id),
            "an order exists of which it was said that nothing happened"
        );
        answer
    }

    fn answer(&mut self, id: CallId, fate: &Fate, took: bool) {
        let UnderWay { out, epoch, .. } = self.call(id).under_way.take().unwrap();
        self.call(id).late |= self.now > out.until;
        // Where a refusal is plain nothing happened; one of a verify never is.
        let plain = match fate {
            Fate::NotSent => true,
            Fate::Status(400..=499) | Fate::Busy(429, _) | Fate::Code(_) => {
                out.operation != Operation::Verify
            }
            _ => false,
        };
        let honest = matches!(fate, Fate::Honest | Fate::WrongEcho | Fate::Stale);
        let handled = (honest || (took && !plain)).then(|| self.handle(&out));
        let text = handled
            .as_ref()
            .map(|answer| String::from_utf8_lossy(answer.body()).into_owned());
        let answer: Answer = match fate {
            Fate::Honest => Ok(handled.unwrap()),
            Fate::NotSent => Err(TransportError::not_sent("refused")),
            Fate::Lost => Err(TransportError::unknown("reset")),
            Fate::Status(status) => Ok(refused(*status, 7, &out)),
            Fate::Busy(status, asked) => {
                let mut answer = refused(*status, 7, &out);
                answer
                    .headers_mut()
                    .insert("retry-after", asked.parse().unwrap());
                Ok(answer)
            }
            Fate::Code(code) => Ok(refused(200, *code, &out)),
            Fate::Garbage => {
                let text = text.unwrap_or_default();
                Ok(Response::new(text[..text.len() / 2].to_owned().into()))
            }
            Fate::Oversize => Ok(Response::new(
                (text.unwrap_or_default() + &" ".repeat(MAX_BODY)).into(),
            )),
            Fate::WrongEcho => {
                let wrong = text
                    .unwrap()
                    .replace("\"amount\":100", "\"amount\":1")
                    .replace("\"new-", "\"old-");
                if matches!(out.operation, Operation::Inquiry | Operation::Verify) {
                    self.gateway.orders[subject(&out)].belied = true;
                }
                Ok(handled.unwrap().map(|_| wrong.into()))
            }
            Fate::Stale => {
                let text = text.unwrap();
                let stale = [PAID, CONFIRMED]
                    .iter()
                    .fold(text, |text, state| text.replace(state, "INITIAL"));
                Ok(handled.unwrap().map(|_| stale.into()))
            }
        };
        self.learn(id, &out, fate, &answer, epoch);
        if matches!(fate, Fate::Lost) && !took {
            self.lost.push(out);
        }
        let (session, now) = (&mut self.session, self.now);
        self.calls
            .get_mut(&id)
            .unwrap()
            .run
            .receive(session, answer, now);
        self.poll(id);
        self.settle();
    }

    /// Every call ends when time passes and nobody answers any more.
    fn end(&mut self) {
        let stalled =
            |(id, call): (&CallId, &Call)| call.under_way.as_ref()?.stalled.then_some(*id);
        for id in self.calls.iter().filter_map(stalled).collect::<Vec<_>>() {
            self.answer(id, &Fate::Lost, false);
        }
        self.run_until(self.now + Duration::from_secs(601));
        assert!(
            self.calls.is_empty(),
            "S11: lost calls: {:?}",
            self.calls.keys()
        );
        self.check();
    }
}

/// Has all this happen, over so many slots; the seed is for the session's own dice.
pub(super) fn play(ops: Vec<Op>, max_in_flight: usize, seed: u64) {
    let mut world = World::new(max_in_flight, seed);
    for op in ops {
        world.apply(op);
    }
    world.end();
}
