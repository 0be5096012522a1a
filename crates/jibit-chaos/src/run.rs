//! The command: which stores, how many payments, and what the exit says.

use std::sync::Arc;

use clap::{Args, ValueEnum, value_parser};
use futures_util::future::join_all;
use jibit_test_postgres::Server;

use crate::{
    Outcome,
    conductor::{Conductor, Place},
    progress::{self, Progress},
    runtime, said,
    seed::Seed,
    shop::Mistake,
    syscalls,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many customers buy, at each store.
    #[arg(long, default_value_t = 2000, value_parser = value_parser!(u64).range(1..))]
    payments: u64,
    /// How often a shop is killed meanwhile, at each store.
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// Where the shops keep their orders; `all` are used at once.
    #[arg(long, value_enum, default_value_t = Stores::All)]
    store: Stores,
    /// What random choices follow from.
    #[arg(long)]
    seed: Option<u64>,
    /// The shops ask agents, which are killed as well, and whose webhooks get lost,
    /// late, doubled and out of order.
    #[arg(long)]
    agents: bool,
    /// One order instead, on SQLite, its shop killed at each call to the system and each
    /// of its writes failing.
    #[arg(long, conflicts_with_all = ["payments", "kills", "store", "seed", "mistake", "agents"])]
    syscalls: bool,
    /// A mistake that the shops make, which the run has to find.
    #[arg(long, hide = true)]
    mistake: Option<Mistake>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stores {
    Sqlite,
    Postgres,
    All,
}

pub(crate) fn command(arguments: &Arguments) -> Outcome<()> {
    if arguments.syscalls {
        return syscalls::command();
    }
    let seed = match arguments.seed {
        Some(seed) => seed,
        // Short enough to be typed again.
        None => u64::from(getrandom::u32().map_err(said)?),
    };
    let wants = |store| arguments.store == store || arguments.store == Stores::All;
    // It says so itself if there is none.
    let server = if wants(Stores::Postgres) {
        Server::start()
    } else {
        None
    };
    runtime()?.block_on(async {
        let mut places = Vec::new();
        if wants(Stores::Sqlite) {
            places.push(Place::Sqlite);
        }
        if let Some(server) = &server {
            places.push(Place::Postgres(server.database().await));
        }
        if places.is_empty() {
            return Err("there is no store to run on".to_owned());
        }
        run(arguments, Seed(seed), places).await
    })
}

async fn run(arguments: &Arguments, seed: Seed, places: Vec<Place>) -> Outcome<()> {
    let conductors: Vec<_> = places
        .into_iter()
        .map(|place| Conductor {
            progress: Arc::new(Progress {
                store: place.name(),
                payments: arguments.payments,
                kills: arguments.kills,
                ..Progress::default()
            }),
            place,
            seed,
            mistake: arguments.mistake,
            by_agents: arguments.agents,
        })
        .collect();
    let progress: Vec<_> = conductors
        .iter()
        .map(|it| Arc::clone(&it.progress))
        .collect();
    let verdicts = join_all(conductors.iter().map(Conductor::conduct));
    let verdicts = tokio::select! {
        verdicts = verdicts => verdicts,
        () = progress::show(&progress) => return Ok(()),
    };
    eprintln!();
    let mut failed = Vec::new();
    for (conductor, verdict) in conductors.iter().zip(verdicts) {
        let store = conductor.place.name();
        match verdict {
            Ok(verdict) => {
                println!("{store}\n{verdict}");
                if !verdict.is_clean() {
                    failed.push(format!("{store} disagrees"));
                }
            }
            Err(error) => failed.push(format!("{store}: {error}")),
        }
    }
    let (payments, kills) = (arguments.payments, arguments.kills);
    let store = arguments.store.to_possible_value();
    let store = store.as_ref().map_or("all", |store| store.get_name());
    let agents = if arguments.agents { " --agents" } else { "" };
    println!(
        "again: cargo xtask chaos --payments {payments} --kills {kills} --store {store}{agents} --seed {}",
        seed.0
    );
    if failed.is_empty() {
        return Ok(());
    }
    Err(failed.join("; "))
}
