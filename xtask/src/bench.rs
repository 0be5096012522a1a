//! `cargo xtask bench`: builds the programs as they are released, and has
//! `jibit-bench` measure them. It knows no figure and no bound itself.

use crate::shell::{self, Failure};

/// What is measured, and what measures it.
const BUILD: [&str; 7] = [
    "build",
    "--release",
    "--locked",
    "-p",
    "jibit-bench",
    "-p",
    "jibit-cli",
];

/// What can be measured by itself.
const PARTS: [&str; 7] = [
    "core", "client", "blocking", "session", "sandbox", "checkout", "size",
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let (args, slow) = slow_disk(args)?;
    let args = match args.first() {
        Some(&"--soak") => soak(&args),
        Some(part) if PARTS.contains(part) => args,
        Some(part) if !part.starts_with("--") => {
            let parts = PARTS.map(|part| format!("`{part}`")).join(", ");
            let problem = format!("`bench` measures {parts}, or all of them; not `{part}`");
            return Err(Failure::Usage(problem));
        }
        _ => everything(&args),
    };
    // Standard output is the figures' alone.
    shell::run_to_stderr("cargo", &BUILD)?;
    let program = shell::built("jibit-bench")?;
    let Some(milliseconds) = slow else {
        return Ok(shell::run(&program, &args)?);
    };
    shell::output("strace", &["--version"]).map_err(|_| {
        "`--slow-disk` has no strace to slow the disk with (apt-get install strace)".to_owned()
    })?;
    let late = format!("inject=fsync,fdatasync:delay_exit={milliseconds}000");
    let strace = ["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null"];
    let waits = ["-e", "trace=fsync,fdatasync", "-e", &late, &program];
    let args: Vec<_> = strace.iter().chain(&waits).copied().chain(args).collect();
    Ok(shell::run("strace", &args)?)
}

/// The arguments of a measurement of everything; the page is the project's.
fn everything<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["all"];
    for arg in args {
        all.push(arg);
        if *arg == "--write" {
            all.push("docs");
        }
    }
    all
}

/// The arguments of a soak.
fn soak<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let rest = args.iter().skip(1).copied();
    ["soak"].into_iter().chain(rest).collect()
}

/// Takes out how much longer each fsync is to take, in milliseconds: on a machine
/// whose disk answers at once, what saves fsyncs saves nothing.
fn slow_disk<'a>(args: &[&'a str]) -> Result<(Vec<&'a str>, Option<u32>), Failure> {
    let Some(place) = args.iter().position(|arg| *arg == "--slow-disk") else {
        return Ok((args.to_vec(), None));
    };
    let (before, after) = args.split_at(place);
    let parsed = after.get(1).and_then(|value| value.parse().ok());
    let milliseconds = parsed.filter(|it| (1..=1000).contains(it)).ok_or_else(|| {
        Failure::Usage("`--slow-disk` takes 1 to 1000 milliseconds an fsync".to_owned())
    })?;
    let rest = after.iter().skip(2);
    Ok((
        before.iter().chain(rest).copied().collect(),
        Some(milliseconds),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_those_that_there_are() {
        assert!(matches!(command(&["clients"]), Err(Failure::Usage(_))));
    }

    #[test]
    fn without_a_part_everything_is_measured() {
        assert_eq!(everything(&[]), ["all"]);
        let written = everything(&["--write", "--check"]);
        assert_eq!(written, ["all", "--write", "docs", "--check"]);
        assert_eq!(soak(&["--soak", "--check"]), ["soak", "--check"]);
    }

    #[test]
    fn a_slow_disk_is_so_many_milliseconds_slow() {
        let read = |args| slow_disk(args).ok();
        assert_eq!(read(&["checkout"]), Some((vec!["checkout"], None)));
        let slow = read(&["checkout", "--slow-disk", "3", "--json"]);
        assert_eq!(slow, Some((vec!["checkout", "--json"], Some(3))));
        for args in [
            &["--slow-disk"][..],
            &["--slow-disk", "3ms"],
            &["--slow-disk", "0"],
        ] {
            assert!(read(args).is_none());
        }
    }
}
