//! The async client beside bare hyper-util, beside reqwest as an average user has it,
//! and beside sockets with ready bytes.

mod average;
mod bare;
mod floor;
mod flows;
mod gateway;
mod own;

use std::{path::Path, sync::Arc};

use clap::{Args, ValueEnum};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::json;

use crate::{
    Outcome,
    figures::{Figure, Report, median, progress},
    process::{Core, Server, cores, peer, told},
    protocol::instructions,
    said,
};
use flows::{By, Spent};

pub(crate) use flows::Flows;
pub(crate) use gateway::Gateway;

/// Rounds of everybody in turn.
const ROUNDS: usize = 5;

/// How many requests a round has, about.
const LOAD: usize = 30_000;

/// Of the processes in which instructions are counted.
const COUNTED: usize = 3_000;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    report: Report,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let (figures, notes) = measure()?;
    arguments.report.print(&figures, &notes)
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

/// One gateway and how many pay at once.
struct Case<'a> {
    gateway: &'a Server,
    certificate: Option<&'a Path>,
    flows: usize,
    load: Core,
}

impl Case<'_> {
    fn words(&self, by: By, payments: usize) -> Outcome<Vec<String>> {
        let by = by.to_possible_value().ok_or("a client without a name")?;
        let mut words = vec![
            "flows".to_owned(),
            format!("--address={}", self.gateway.address),
            format!("--by={}", by.get_name()),
            format!("--flows={}", self.flows),
            format!("--payments={payments}"),
        ];
        let certificate = self.certificate;
        words.extend(certificate.map(|file| format!("--certificate={}", file.display())));
        Ok(words)
    }

    /// Rounds, each of which takes everybody in turn.
    fn rounds(&self) -> Outcome<Vec<[Spent; 4]>> {
        let payments = (LOAD / flows::REQUESTS / self.flows).max(1);
        let round = |by: By| told(peer(self.load, &self.words(by, payments)?)?);
        let all = |_| {
            Ok([
                round(By::Own)?,
                round(By::Bare)?,
                round(By::Average)?,
                round(By::Floor)?,
            ])
        };
        (0..ROUNDS).map(all).collect()
    }

    /// Instructions for a request.
    fn instructions(&self, by: By) -> Outcome<f64> {
        let payments = (COUNTED / flows::REQUESTS / self.flows).max(1);
        let count = |times: usize| instructions::count(&self.words(by, times * payments)?);
        let requests = payments * self.flows * flows::REQUESTS;
        Ok((count(2)? - count(1)?) / requests as f64)
    }
}

pub(crate) fn measure() -> Outcome<(Vec<Figure>, Vec<String>)> {
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
        for flows in [1, 64, 1_000] {
            let case = Case {
                gateway,
                certificate,
                flows,
                load,
            };
            figures.extend(figures_of(&case)?);
        }
    }
    let mut notes = Vec::new();
    if cores.is_none() {
        notes.push("NOT PINNED: this system has no taskset or no second core".to_owned());
    }
    Ok((figures, notes))
}

fn figures_of(case: &Case<'_>) -> Outcome<Vec<Figure>> {
    let over = if case.certificate.is_some() {
        "TLS"
    } else {
        "plain"
    };
    let name = format!("{} flows, {over}", case.flows);
    progress(&format!("{name}, {ROUNDS} rounds"));
    let rounds = case.rounds()?;
    let least = |who: usize, value: fn(&Spent) -> f64| {
        let values = rounds.iter().filter_map(|round| round.get(who)).map(value);
        values.fold(f64::INFINITY, f64::min)
    };
    let cpu = |spent: &Spent| spent.cpu_seconds / spent.requests as f64 * 1e6;
    let [own, bare, average, floor] = [0, 1, 2, 3].map(|who| least(who, cpu));
    let per_second = |who: usize| {
        let rounds = rounds.iter().filter_map(|round| round.get(who));
        median(rounds.map(|spent| spent.requests as f64 / spent.seconds))
    };
    let each = [0, 1, 2, 3].map(per_second);
    let mut figures = vec![Figure {
        name: format!("{name}: CPU"),
        measured: format!(
            "{:.2} of reqwest, {:.2} of bare, {:.2} of the floor ({own:.1} µs a request, bare \
             {bare:.1}, reqwest {average:.1}, floor {floor:.1}; {:.0} requests a second, {:.0}, {:.0}, {:.0})",
            own / average,
            own / bare,
            own / floor,
            each[0],
            each[1],
            each[2],
            each[3],
        ),
        bound: "0.80 of reqwest, 1.08 of bare".to_owned(),
        held: case.flows == 1 || (own / average <= 0.80 && own / bare <= 1.08),
        details: json!({"cpuMicros": [own, bare, average, floor], "perSecond": each}),
    }];
    let per_request = |spent: &Spent| spent.allocations as f64 / spent.requests as f64;
    let allocations = [0, 1, 2, 3].map(|who| least(who, per_request));
    figures.push(Figure {
        name: format!("{name}: allocations"),
        measured: format!(
            "{:.2} of bare ({:.1} a request, bare {:.1}, reqwest {:.1}, floor {:.1})",
            allocations[0] / allocations[1],
            allocations[0],
            allocations[1],
            allocations[2],
            allocations[3],
        ),
        bound: "1.10 of bare".to_owned(),
        held: case.flows == 1 || allocations[0] / allocations[1] <= 1.10,
        details: json!({"allocations": allocations}),
    });
    let memory =
        [0, 1, 2, 3].map(|who| least(who, |spent| spent.memory as f64 / (1024.0 * 1024.0)));
    figures.push(Figure {
        name: format!("{name}: memory"),
        measured: format!(
            "{:.2} of bare ({:.1} MiB, bare {:.1}, reqwest {:.1}, floor {:.1})",
            memory[0] / memory[1],
            memory[0],
            memory[1],
            memory[2],
            memory[3],
        ),
        bound: "1.10 of bare".to_owned(),
        held: case.flows != 1_000 || memory[0] / memory[1] <= 1.10,
        details: json!({"mebibytes": memory}),
    });
    if instructions::available() && case.flows > 1 && case.certificate.is_none() {
        let counted = |by| case.instructions(by);
        let [own, bare] = [counted(By::Own)?, counted(By::Bare)?];
        figures.push(Figure {
            name: format!("{name}: instructions"),
            measured: format!(
                "{:.2} of bare ({own:.0} a request, bare {bare:.0})",
                own / bare
            ),
            bound: "1.10 of bare".to_owned(),
            held: own / bare <= 1.10,
            details: json!({"instructions": [own, bare]}),
        });
    }
    Ok(figures)
}
