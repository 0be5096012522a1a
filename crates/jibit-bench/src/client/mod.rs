//! The async client beside bare hyper-util, beside reqwest as an average user has it,
//! and beside sockets with ready bytes; the blocking client beside its like.

mod average;
mod bare;
mod blocking;
mod floor;
mod flows;
mod gateway;
mod own;
mod payer;

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::json;

use crate::{
    Outcome,
    figures::{Figure, Measured, progress},
    process::{Core, Server, cores, peer, told},
    protocol::instructions,
    said,
    wire::Connection,
};
use flows::By;

pub(crate) use flows::{Flows, Spent};
pub(crate) use gateway::Gateway;

/// Rounds of everybody in turn.
const ROUNDS: usize = 5;

/// How many requests a round has, about.
const LOAD: usize = 30_000;

/// And one of a single flow, whose time is the kernel's for waking: no bound is on it.
const LOAD_OF_ONE: usize = 6_000;

/// Of the processes in which instructions are counted.
const COUNTED: usize = 3_000;

/// The async client.
pub(crate) fn measure_async() -> Outcome<Measured> {
    measure("client", &ASYNC, &[1, 64, 1_000])
}

/// The blocking client.
pub(crate) fn measure_blocking() -> Outcome<Measured> {
    let mut measured = measure("blocking", &BLOCKING, &[1, 64])?;
    let (server, load) = cores().unwrap_or((Core(None), Core(None)));
    measured.figures.push(reconnects(load, server)?);
    Ok(measured)
}

/// One client that trusts this certificate and nobody else.
fn trusting(pem: Option<&[u8]>) -> Outcome<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = pem {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(said)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(said)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Who is compared, and what ours must not exceed.
struct Contest {
    /// Ours first.
    contenders: &'static [By],
    /// Of another's CPU time for a request, with many flows.
    cpu: &'static [(By, f64)],
    /// Whose instructions, allocations and memory ours are held against, and the ratio
    /// that they must not exceed.
    against: Option<(By, f64)>,
}

const ASYNC: Contest = Contest {
    contenders: &[By::Own, By::Bare, By::Average, By::Floor],
    cpu: &[(By::Bare, 1.08), (By::Average, 0.80)],
    against: Some((By::Bare, 1.10)),
};

const BLOCKING: Contest = Contest {
    contenders: &[
        By::BlockingOwn,
        By::BlockingBare,
        By::BlockingUreq,
        By::BlockingAverage,
        By::BlockingMinreq,
    ],
    cpu: &[(By::BlockingBare, 1.05), (By::BlockingAverage, 1.0)],
    against: None,
};

/// One gateway and how many pay at once.
struct Case<'a> {
    contest: &'a Contest,
    gateway: &'a Server,
    certificate: Option<&'a Path>,
    flows: usize,
    load: Core,
}

/// Everybody's rounds.
struct Rounds<'a> {
    contest: &'a Contest,
    spent: Vec<Vec<Spent>>,
}

impl Rounds<'_> {
    fn of(&self, by: By) -> impl Iterator<Item = &Spent> {
        let place = self.contest.contenders.iter().position(|it| *it == by);
        let rounds = place.and_then(|place| self.spent.get(place));
        rounds.into_iter().flatten()
    }

    /// The least of the rounds': what disturbs one only adds to it.
    fn least(&self, by: By, value: fn(&Spent) -> f64) -> f64 {
        self.of(by).map(value).fold(f64::INFINITY, f64::min)
    }

    /// A figure of what ours costs beside the others.
    fn figure(
        &self,
        name: &str,
        unit: &str,
        value: fn(&Spent) -> f64,
        bounds: &[(By, f64)],
    ) -> Figure {
        let own = self.contest.contenders.first().copied().unwrap_or(By::Own);
        let ours = self.least(own, value);
        let all: Vec<_> = (self.contest.contenders.iter())
            .filter(|by| self.of(**by).next().is_some())
            .map(|by| (by.title(), self.least(*by, value)))
            .collect();
        // A ratio to next to nothing says nothing.
        let ratios = all
            .iter()
            .skip(1)
            .filter(|(_, value)| ours < value * 100.0)
            .map(|(by, value)| format!("{:.2} of {by}", ours / value));
        let values = all.iter().map(|(by, value)| format!("{by} {value:.1}"));
        Figure {
            name: name.to_owned(),
            measured: format!(
                "{} ({unit}: {})",
                ratios.collect::<Vec<_>>().join(", "),
                values.collect::<Vec<_>>().join(", ")
            ),
            bound: words(bounds),
            held: bounds
                .iter()
                .all(|(by, bound)| ours / self.least(*by, value) <= *bound),
            details: json!({"unit": unit, "values": all.into_iter().collect::<Values>()}),
        }
    }
}

type Values = std::collections::BTreeMap<&'static str, f64>;

fn words(bounds: &[(By, f64)]) -> String {
    let bounds = bounds
        .iter()
        .map(|(by, bound)| format!("{bound:.2} of {}", by.title()));
    let bounds: Vec<_> = bounds.collect();
    if bounds.is_empty() {
        "none".to_owned()
    } else {
        bounds.join(", ")
    }
}

impl Case<'_> {
    fn words(&self, by: By, payments: usize) -> Vec<String> {
        let mut words = vec![
            "flows".to_owned(),
            format!("--address={}", self.gateway.address),
            format!("--by={}", by.name()),
            format!("--flows={}", self.flows),
            format!("--payments={payments}"),
        ];
        let certificate = self.certificate;
        words.extend(certificate.map(|file| format!("--certificate={}", file.display())));
        words
    }

    /// Rounds, each of which takes everybody in turn.
    fn rounds(&self) -> Outcome<Rounds<'_>> {
        let load = if self.flows == 1 { LOAD_OF_ONE } else { LOAD };
        let payments = (load / flows::REQUESTS / self.flows).max(1);
        let mut spent = vec![Vec::new(); self.contest.contenders.len()];
        for _ in 0..ROUNDS {
            for (by, spent) in self.contest.contenders.iter().zip(&mut spent) {
                // It knows no roots of ours, and closes each connection.
                let few = *by == By::BlockingMinreq;
                if few && self.certificate.is_some() {
                    continue;
                }
                let payments = if few { payments / 4 + 1 } else { payments };
                spent.push(told(peer(self.load, &self.words(*by, payments))?)?);
            }
        }
        Ok(Rounds {
            contest: self.contest,
            spent,
        })
    }

    /// Instructions for a request.
    fn instructions(&self, by: By) -> Outcome<f64> {
        let payments = (COUNTED / flows::REQUESTS / self.flows).max(1);
        let count = |times: usize| instructions::count(&self.words(by, times * payments));
        let requests = payments * self.flows * flows::REQUESTS;
        Ok((count(2)? - count(1)?) / requests as f64)
    }

    fn figures(&self) -> Outcome<Vec<Figure>> {
        let over = if self.certificate.is_some() {
            "TLS"
        } else {
            "plain"
        };
        let name = match self.flows {
            1 => format!("1 flow, {over}"),
            flows => format!("{flows} flows, {over}"),
        };
        progress(&format!("{name}, {ROUNDS} rounds"));
        let rounds = self.rounds()?;
        let many = self.flows > 1;
        let against: Vec<_> = self.contest.against.into_iter().filter(|_| many).collect();
        let figure = |what: &str, unit: &str, value, bounds: &[(By, f64)]| {
            rounds.figure(&format!("{name}: {what}"), unit, value, bounds)
        };
        let mut figures = vec![
            figure(
                "CPU",
                "µs a request",
                |it| it.cpu_seconds * 1e6 / it.requests as f64,
                if many { self.contest.cpu } else { &[] },
            ),
            figure(
                "allocations",
                "a request",
                |it| it.allocations as f64 / it.requests as f64,
                &against,
            ),
            figure(
                "memory",
                "MiB",
                |it| it.memory as f64 / (1024.0 * 1024.0),
                &against,
            ),
            figure(
                "time",
                "µs a request",
                |it| it.seconds * 1e6 / it.requests as f64,
                &[],
            ),
        ];
        if many
            && self.certificate.is_none()
            && instructions::available()
            && let Some((other, bound)) = self.contest.against
        {
            let (ours, theirs) = (self.instructions(By::Own)?, self.instructions(other)?);
            figures.push(Figure {
                name: format!("{name}: instructions"),
                measured: format!(
                    "{:.2} of {} ({ours:.0} a request, {theirs:.0})",
                    ours / theirs,
                    other.title()
                ),
                bound: words(&[(other, bound)]),
                held: ours / theirs <= bound,
                details: json!({"instructions": [ours, theirs]}),
            });
        }
        Ok(figures)
    }
}

/// What the figures of one client are.
fn measure(name: &'static str, contest: &Contest, flows: &[usize]) -> Outcome<Measured> {
    let cores = cores();
    let (server, load) = cores.unwrap_or((Core(None), Core(None)));
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let certificate = folder.path().join("gateway.pem");
    let plain = Server::start(peer(server, &["gateway".to_owned()])?)?;
    let words = [
        "gateway".to_owned(),
        format!("--certificate={}", certificate.display()),
    ];
    let tls = Server::start(peer(server, &words)?)?;
    let mut figures = Vec::new();
    for (gateway, certificate) in [(&plain, None), (&tls, Some(&*certificate))] {
        for &flows in flows {
            let case = Case {
                contest,
                gateway,
                certificate,
                flows,
                load,
            };
            figures.extend(case.figures()?);
        }
    }
    let mut notes = Vec::new();
    if cores.is_none() {
        notes.push("NOT PINNED: this system has no taskset or no second core".to_owned());
    }
    if contest.against.is_some() && !instructions::available() {
        notes.push(instructions::MISSING.to_owned());
    }
    Ok(Measured {
        name,
        figures,
        notes,
    })
}

/// The throughput of so many tasks on one client that lets 64 requests through, as a part
/// of that of 64 tasks, a round after the other; and the same of bare hyper-util behind a
/// semaphore.
pub(crate) fn many_tasks(tasks: usize, rounds: usize) -> Outcome<[Vec<f64>; 2]> {
    let (server, load) = cores().unwrap_or((Core(None), Core(None)));
    let gateway = Server::start(peer(server, &["gateway".to_owned()])?)?;
    let round = |by: By, flows: usize| -> Outcome<f64> {
        let case = Case {
            contest: &ASYNC,
            gateway: &gateway,
            certificate: None,
            flows,
            load,
        };
        let payments = 5 * LOAD / flows::REQUESTS / flows;
        let mut words = case.words(by, payments.max(10));
        words.push("--in-flight=64".to_owned());
        let spent: Spent = told(peer(load, &words)?)?;
        Ok(spent.requests as f64 / spent.seconds)
    };
    let ratio = |by| Ok::<_, String>(round(by, tasks)? / round(by, 64)?);
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (by, ratios) in [By::Own, By::Bare].into_iter().zip(&mut ratios) {
            ratios.push(ratio(by)?);
        }
    }
    Ok(ratios)
}

/// Whether every connection serves again and again: 64 threads have 64 at the most.
fn reconnects(load: Core, server: Core) -> Outcome<Figure> {
    let gateway = Server::start(peer(server, &["gateway".to_owned()])?)?;
    let case = Case {
        contest: &BLOCKING,
        gateway: &gateway,
        certificate: None,
        flows: 64,
        load,
    };
    let _: Spent = told(peer(load, &case.words(By::BlockingOwn, 200))?)?;
    let asked = format!(
        "GET /connections HTTP/1.1\r\nHost: {}\r\n\r\n",
        gateway.address
    );
    let mut connection = Connection::open(gateway.address)?;
    let answer = connection.exchange(asked.as_bytes())?;
    let count = String::from_utf8_lossy(answer.body).parse::<usize>();
    // The one that asks is the last.
    let count = count.map_err(said)?.saturating_sub(1);
    Ok(Figure {
        name: "64 threads: connections".to_owned(),
        measured: format!("{count} for 38,592 requests"),
        bound: "64".to_owned(),
        held: count <= 64,
        details: json!({"connections": count}),
    })
}
