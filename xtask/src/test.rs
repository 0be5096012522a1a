//! `cargo xtask test`: every test of the workspace.

use std::fs;

use crate::shell::{self, Failure};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    shell::no_arguments("test", args)?;
    Ok(run()?)
}

/// Runs the tests, and says which could not run on this machine.
///
/// `--all-targets` is left out on purpose: with it cargo skips the doctests.
pub(crate) fn run() -> Result<(), String> {
    shell::run("cargo", &["test", "--workspace", "--locked"])?;
    if !["chromium", "chromedriver"]
        .iter()
        .all(|program| shell::is_there(program))
    {
        println!(
            "skipped: the tests that click through pages, for want of a browser. To run them too: \
             apt-get install chromium chromium-driver (JIBIT_NO_SKIP=1 makes it a failure)"
        );
    }
    for (language, remedy) in [
        ("python3", "apt-get install python3"),
        ("node", "apt-get install nodejs"),
        ("php", "apt-get install php-cli php-sqlite3"),
    ] {
        if !shell::is_there(language) {
            println!(
                "skipped: the test of the shop in {language}. To run it too: {remedy} \
                 (JIBIT_NO_SKIP=1 makes it a failure)"
            );
        }
    }
    if !has_postgres() {
        println!(
            "skipped: the tests of the store in Postgres, for want of a server. To run them too: \
             apt-get install postgresql (JIBIT_NO_SKIP=1 makes it a failure)"
        );
    }
    Ok(())
}

/// Debian has the server's programs off the path, in a folder for each version.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian = versions.flatten();
    shell::is_there("initdb") || debian.any(|it| it.path().join("bin/initdb").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_refused_before_anything_runs() {
        assert!(matches!(command(&["--release"]), Err(Failure::Usage(_))));
    }
}
