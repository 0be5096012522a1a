//! `cargo xtask supply`: what the project is built on. Licences, sources and banned
//! crates by `.cargo/deny.toml`, known vulnerabilities where their database can be had,
//! `unsafe` counted in `docs/dependencies.md`, and a bill of materials of the command.

mod bill;
mod listing;

use std::{fs, path::Path};

use crate::{
    files, packages,
    shell::{self, Failure},
};

/// What looks at licences, sources and vulnerabilities, and how to get it.
const PROGRAM: &str = "cargo-deny";
const REMEDY: &str = "cargo install --locked cargo-deny@0.20.2";

/// Where the bill of materials goes.
const BILL: &str = "target/bill/jibit.cdx.json";

/// Where the crates are listed.
const LIST: &str = "docs/dependencies.md";

/// What is looked at in full: every package that somebody builds for its own sake.
const PACKAGES: [&str; 12] = [
    "jibit-proto",
    "jibit-driver",
    "jibit-client",
    "jibit-hyper",
    "jibit-blocking",
    "jibit-reqwest",
    "jibit-tower",
    "jibit-checkout",
    "jibit-axum",
    "jibit-sandbox",
    "jibit-testkit",
    "jibit-cli",
];

/// The database of known vulnerabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Advisories<'a> {
    /// Nobody asked: it would need a net.
    No,
    /// Fetched from where it lives.
    Fetched,
    /// A clone of it, on this machine.
    Clone(&'a str),
}

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let (advisories, write) = match args {
        [] => (Advisories::No, false),
        ["--write"] => (Advisories::No, true),
        ["--advisories"] => (Advisories::Fetched, false),
        ["--advisories", folder] => (Advisories::Clone(folder), false),
        _ => {
            return Err(Failure::Usage(
                "`supply` takes `--write`, or `--advisories` and the folder of a clone of \
                 RustSec's database"
                    .to_owned(),
            ));
        }
    };
    Ok(go(advisories, write)?)
}

/// What a change has to pass.
pub(crate) fn run() -> Result<(), String> {
    go(Advisories::No, false)
}

fn go(advisories: Advisories<'_>, write: bool) -> Result<(), String> {
    // A check without a net needs them all here, those of other platforms too.
    shell::run("cargo", &["fetch", "--locked", "--quiet"])?;
    let metadata = packages::metadata()?;
    let list = listing::list(&metadata)?;
    let file = shell::root()?.join(LIST);
    if write {
        fs::write(&file, &list).map_err(|error| format!("cannot write {LIST}: {error}"))?;
    }
    if files::read(&file)? != list {
        return Err(format!(
            "{LIST} does not list what is built: look at what came in, then run \
             `cargo xtask supply --write`"
        ));
    }
    println!("supply: {LIST} ... ok");
    let file = shell::root()?.join(BILL);
    let components = bill::write(&file, &metadata)?;
    println!("supply: {BILL}, of {components} crates ... ok");
    if !shell::is_there(PROGRAM) {
        return shell::skip("licences, sources and bans", PROGRAM, REMEDY);
    }
    deny(&["--offline"], &["licenses", "bans", "sources"], &[])?;
    println!("supply: licences, sources and bans ... ok");
    match advisories {
        Advisories::No => {
            println!("supply: vulnerabilities ... not looked at without `--advisories`");
            return Ok(());
        }
        Advisories::Fetched => deny(&[], &["advisories"], &[])?,
        Advisories::Clone(folder) => {
            let databases = shell::root()?.join("target/advisories");
            place(folder, &databases)?;
            let databases = databases.display().to_string();
            let env = [("JIBIT_ADVISORY_DATABASES", databases.as_str())];
            deny(&["--offline"], &["advisories"], &env)?;
        }
    }
    println!("supply: vulnerabilities ... ok");
    Ok(())
}

fn deny(options: &[&str], checks: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    let args = [&["deny", "--locked"], options, &["check"], checks].concat();
    shell::run_with_env("cargo", &args, env)
}

/// Puts a clone of the database to where cargo-deny looks for one of its address.
fn place(folder: &str, databases: &Path) -> Result<(), String> {
    // The end is cargo-deny's own digest of `https://github.com/RustSec/advisory-db`.
    let place = databases.join("advisory-db-3157b0e258782691");
    if place.exists() {
        fs::remove_dir_all(&place)
            .map_err(|error| format!("cannot remove {}: {error}", place.display()))?;
    }
    fs::create_dir_all(databases)
        .map_err(|error| format!("cannot make {}: {error}", databases.display()))?;
    let place = place.display().to_string();
    shell::run("git", &["clone", "--quiet", "--", folder, &place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_refused_before_anything_runs() {
        for args in [
            &["--fast"][..],
            &["--write", "--advisories"],
            &["--advisories", "a", "b"],
        ] {
            assert!(matches!(command(args), Err(Failure::Usage(_))), "{args:?}");
        }
    }
}
