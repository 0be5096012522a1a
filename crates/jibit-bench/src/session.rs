//! Many calls on one session: what sharing it costs, and that a call costs no more for
//! all those that wait behind it.
//!
//! The gateway here answers at once, so that nothing is measured but the session, the
//! lock around it and waking.

use std::{
    collections::{HashMap, VecDeque},
    thread,
    time::Instant,
};

use bytes::Bytes;
use clap::Args;
use http::{Request, Response};
use jibit_hyper::{Client, Config, OrderId, Secret, TokioClock, TransportError};
use jibit_proto::{
    Inquiry, Session, Timestamp,
    session::{CallId, Exchange, Step},
};
use serde_json::json;

use crate::{
    Outcome, client,
    figures::{Figure, Measured, median, progress},
    protocol::instructions,
    requests::TOKEN,
    runtime, said,
};

const ROUNDS: usize = 5;

/// How many calls a round has, about.
const CALLS: usize = 100_000;

/// Tasks on one client, the second of which must not be slower than the first.
const TASKS: [usize; 2] = [64, 10_000];

/// Of the throughput of few tasks, what many must reach.
const BOUND: f64 = 0.9;

/// Calls that wait on a session that lets 1,000 through.
const WAITING: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
const IN_FLIGHT: usize = 1_000;

/// Of the instructions with one that waits, what those with the most may be: whatever
/// grew with them would show at once. Time also tells what no longer fits into a cache.
const FLAT: f64 = 1.2;

pub(crate) fn measure() -> Outcome<Measured> {
    let mut figures = vec![sockets()?, tasks()?, threads()?];
    let (waiting, notes) = waiting()?;
    figures.push(waiting);
    Ok(Measured {
        name: "session",
        figures,
        notes,
    })
}

/// Calls on a bare session, while others wait.
#[derive(Args)]
pub(crate) struct Waiting {
    #[arg(long)]
    waiting: usize,
    #[arg(long)]
    calls: usize,
}

impl Waiting {
    pub(crate) fn run(&self) -> Outcome<()> {
        while_waiting(self.waiting, self.calls).map(drop)
    }
}

fn sockets() -> Outcome<Figure> {
    let [few, many] = TASKS;
    progress(&format!("{TASKS:?} tasks over sockets, {ROUNDS} rounds"));
    let [ratio, bare] = client::many_tasks(many, ROUNDS)?.map(median);
    Ok(Figure {
        name: format!("{many} tasks, over sockets"),
        measured: format!(
            "{ratio:.2} of the throughput of {few} (bare hyper-util behind a semaphore {bare:.2})"
        ),
        bound: format!("{BOUND:.2} of {few} tasks"),
        held: ratio >= BOUND,
        details: json!({"ratio": ratio, "bareRatio": bare}),
    })
}

/// Answers a login or an inquiry, whichever it is.
fn answer(request: &Request<Bytes>) -> Response<Bytes> {
    let body = if request.uri().path() == "/authenticate" {
        format!(r#"{{"errorCode":0,"result":{{"token":"{TOKEN}","refreshToken":"r"}}}}"#)
    } else {
        r#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":125000}"#.to_owned()
    };
    Response::new(body.into())
}

fn config() -> Config {
    Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"))
}

fn order() -> Outcome<OrderId> {
    OrderId::new("7wvkgrn0").map_err(said)
}

/// Inquiries in a second by so many tasks at once, 64 of which are let through.
fn by_tasks(tasks: usize) -> Outcome<f64> {
    let gateway = |request: Request<Bytes>| async move {
        // Under way for a moment, as over a wire.
        tokio::task::yield_now().await;
        Ok::<_, TransportError>(answer(&request))
    };
    let client = Client::new(config(), 7, gateway, TokioClock::new()).map_err(said)?;
    let order = order()?;
    let each = CALLS.div_ceil(tasks);
    runtime()?.block_on(async {
        client.authenticate().await.map_err(said)?;
        let begun = Instant::now();
        let all: Vec<_> = (0..tasks)
            .map(|_| {
                let (client, order) = (client.clone(), order.clone());
                tokio::spawn(async move {
                    for _ in 0..each {
                        client.inquiry(order.clone()).await.map_err(said)?;
                    }
                    Ok::<_, String>(())
                })
            })
            .collect();
        for task in all {
            task.await.map_err(said)??;
        }
        Ok((each * tasks) as f64 / begun.elapsed().as_secs_f64())
    })
}

fn tasks() -> Outcome<Figure> {
    progress(&format!("{TASKS:?} tasks on one client, {ROUNDS} rounds"));
    let [few, many] = TASKS;
    let rounds = (0..ROUNDS).map(|_| Ok((by_tasks(few)?, by_tasks(many)?)));
    let rounds: Vec<_> = rounds.collect::<Outcome<_>>()?;
    let ratio = median(rounds.iter().map(|(few, many)| many / few));
    let [few_do, many_do] = [
        median(rounds.iter().map(|(few, _)| *few)),
        median(rounds.iter().map(|(_, many)| *many)),
    ];
    Ok(Figure {
        name: format!("{many} tasks, a gateway that answers at once"),
        measured: format!(
            "{ratio:.2} of the throughput of {few} ({many_do:.0} calls a second, {few_do:.0})"
        ),
        bound: "none".to_owned(),
        held: true,
        details: json!({"ratio": ratio, "few": few_do, "many": many_do}),
    })
}

/// Nanoseconds of one inquiry, by so many threads at once.
fn by_threads(threads: usize) -> Outcome<f64> {
    let gateway = |request: Request<Bytes>, _| Ok(answer(&request));
    let clock = jibit_blocking::SystemClock::new();
    let client = jibit_blocking::Client::new(config(), 7, gateway, clock).map_err(said)?;
    client.authenticate().map_err(said)?;
    let order = order()?;
    let each = CALLS.div_ceil(threads);
    let begun = Instant::now();
    thread::scope(|scope| {
        let work = || {
            let mut calls = 0..each;
            calls.try_for_each(|_| client.inquiry(order.clone()).map(drop).map_err(said))
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = all.into_iter().map(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(_) => Err("a thread panicked".to_owned()),
        });
        ended.collect::<Outcome<()>>()
    })?;
    Ok(begun.elapsed().as_secs_f64() * 1e9 / (each * threads) as f64)
}

fn threads() -> Outcome<Figure> {
    progress(&format!("64 threads on one client, {ROUNDS} rounds"));
    let rounds = (0..ROUNDS).map(|_| Ok((by_threads(1)?, by_threads(64)?)));
    let rounds: Vec<_> = rounds.collect::<Outcome<_>>()?;
    let one = median(rounds.iter().map(|(one, _)| *one));
    let many = median(rounds.iter().map(|(_, many)| *many));
    Ok(Figure {
        name: "64 threads".to_owned(),
        measured: format!("{many:.0} ns a call, one thread {one:.0}"),
        bound: "none".to_owned(),
        held: true,
        details: json!({"oneNanos": one, "manyNanos": many}),
    })
}

/// Nanoseconds of one call on a bare session, while so many wait.
fn while_waiting(many: usize, count: usize) -> Outcome<f64> {
    let now = Timestamp::from_unix_millis(1_800_000_000_000);
    let config = config().max_in_flight(IN_FLIGHT);
    let mut session = Session::new(config, 7).map_err(said)?;
    let order = order()?;
    log_in(&mut session, &order, now)?;
    let mut calls = HashMap::new();
    let mut under_way = VecDeque::new();
    let begin = |session: &mut Session, calls: &mut Calls, under_way: &mut Queue| {
        let mut call = session.begin(Inquiry::new(order.clone()), now);
        let id = call.id();
        if let Step::Send(out) = call.poll(session, now) {
            under_way.push_back((id, out.request));
        }
        calls.insert(id, call);
    };
    for _ in 0..IN_FLIGHT + many {
        begin(&mut session, &mut calls, &mut under_way);
    }
    let begun = Instant::now();
    for _ in 0..count {
        let (id, request) = under_way.pop_front().ok_or("nothing is under way")?;
        let mut call = calls.remove(&id).ok_or("a call is not there")?;
        call.receive(&mut session, Ok(answer(&request)), now);
        if !matches!(call.poll(&mut session, now), Step::Done(Ok(_))) {
            return Err("a call did not end".to_owned());
        }
        call.abandon(&mut session);
        // Whoever waits longest comes next, and another takes its place in the queue.
        while let Some(id) = session.take_woken() {
            let call = calls.get_mut(&id).ok_or("a call is not there")?;
            if let Step::Send(out) = call.poll(&mut session, now) {
                under_way.push_back((id, out.request));
            }
        }
        begin(&mut session, &mut calls, &mut under_way);
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / count as f64)
}

type Calls = HashMap<CallId, Exchange<Inquiry>>;
type Queue = VecDeque<(CallId, Request<Bytes>)>;

/// Gets a pair of tokens.
fn log_in(session: &mut Session, order: &OrderId, now: Timestamp) -> Outcome<()> {
    let mut call = session.begin(Inquiry::new(order.clone()), now);
    let Step::Send(out) = call.poll(session, now) else {
        return Err("there is no login".to_owned());
    };
    call.receive(session, Ok(answer(&out.request)), now);
    call.abandon(session);
    while session.take_woken().is_some() {}
    Ok(())
}

/// Instructions of one call, while so many wait.
fn counted(many: usize) -> Outcome<f64> {
    const COUNTED: usize = 2_000;
    let count = |calls: usize| {
        instructions::count(&[
            "session-waiting".to_owned(),
            format!("--waiting={many}"),
            format!("--calls={calls}"),
        ])
    };
    Ok((count(2 * COUNTED)? - count(COUNTED)?) / COUNTED as f64)
}

fn waiting() -> Outcome<(Figure, Vec<String>)> {
    progress(&format!("{WAITING:?} calls that wait, {ROUNDS} rounds"));
    let round = |_| {
        WAITING
            .map(|many| while_waiting(many, CALLS))
            .into_iter()
            .collect()
    };
    let rounds: Vec<Vec<f64>> = (0..ROUNDS).map(round).collect::<Outcome<_>>()?;
    let nanos = (0..WAITING.len())
        .map(|place| median(rounds.iter().filter_map(|round| round.get(place).copied())));
    let nanos: Vec<_> = nanos.collect();
    let told: Vec<_> = (WAITING.iter().zip(&nanos))
        .map(|(many, nanos)| format!("{many}: {nanos:.0}"))
        .collect();
    let told = told.join(", ");
    let name = "100000 calls that wait";
    let bound = format!("{FLAT:.1} of the instructions with one");
    if !instructions::available() {
        let why = "there is no valgrind";
        return Ok((
            Figure::unmeasured(name, &bound, why),
            vec![instructions::MISSING.to_owned()],
        ));
    }
    let (one, most) = (counted(1)?, counted(100_000)?);
    let figure = Figure {
        name: name.to_owned(),
        measured: format!(
            "{:.2} ({most:.0} instructions a call, with one {one:.0}; ns a call by calls that wait: {told})",
            most / one
        ),
        bound,
        held: most / one <= FLAT,
        details: json!({"instructions": [one, most], "waiting": WAITING, "nanos": nanos}),
    };
    Ok((figure, Vec::new()))
}
