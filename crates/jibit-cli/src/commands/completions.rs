use clap::CommandFactory as _;
use clap_complete::Shell;
use serde::Serialize;

use crate::{args::Cli, report::Report};

#[derive(Serialize)]
struct Completions<'a> {
    shell: String,
    script: &'a str,
}

pub(crate) fn run(shell: Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jibit", &mut script);
    let script = String::from_utf8_lossy(&script);
    let script = script.trim_end();
    let json = Completions {
        shell: shell.to_string(),
        script,
    };
    Report::new(&json, script)
}
