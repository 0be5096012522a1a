//! `cargo xtask fuzz`: a fuzzer feeds every parser and state machine that
//! `jibit-fuzz` names, on nightly Rust, begun with the seeds that it gives. What is
//! found goes to `fixtures/found/` and is a test from then on, on any Rust.

use std::{
    env, fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use jibit_fuzz::{TARGETS, Target};

use crate::shell::{self, Failure};

/// What it takes beside Rust, and how to get it.
const FUZZER: &str = "cargo-fuzz";
const REMEDY: &str = "rustup toolchain install nightly; cargo install --locked cargo-fuzz@0.13.2";

/// Where the fuzzer builds and keeps what it learnt.
const FOLDER: &str = "target/fuzz";

/// How often somebody who waits is told something.
const PULSE: Duration = Duration::from_secs(30);

/// When a target has had enough.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Seconds(u64),
    Runs(u64),
}

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let (limit, targets) = read(args)?;
    if !has_nightly() {
        let problem = format!("the fuzzers take nightly Rust: {REMEDY}");
        return Err(Failure::Check(problem));
    }
    Ok(run(limit, &targets)?)
}

/// What a change has to pass.
pub(crate) fn short() -> Result<(), String> {
    if !has_nightly() {
        // Not even where nothing may be skipped: stable Rust is all the project asks for.
        println!("skipped: the fuzzers, for want of nightly Rust. To run them too: {REMEDY}");
        return Ok(());
    }
    run(Limit::Seconds(20), &TARGETS.each_ref())
}

fn read(args: &[&str]) -> Result<(Limit, Vec<&'static Target>), Failure> {
    let mut limit = Limit::Seconds(20);
    let mut targets: Vec<_> = TARGETS.iter().collect();
    let mut args = args.iter();
    while let Some(option) = args.next() {
        let value = args.next();
        let number = value
            .and_then(|text| text.parse().ok())
            .filter(|it| *it > 0);
        match (*option, value, number) {
            ("--seconds", _, Some(seconds)) => limit = Limit::Seconds(seconds),
            ("--runs", _, Some(runs)) => limit = Limit::Runs(runs),
            ("--only", Some(name), _) if targets.iter().any(|it| it.name == *name) => {
                targets.retain(|it| it.name == *name);
            }
            _ => {
                let names: Vec<_> = TARGETS.iter().map(|it| it.name).collect();
                return Err(Failure::Usage(format!(
                    "`fuzz` takes `--seconds N` or `--runs N` for each target, and `--only` one of {}",
                    names.join(", ")
                )));
            }
        }
    }
    Ok((limit, targets))
}

/// Fuzzes the targets, as many at once as there are cores, on nightly Rust; or says that
/// it cannot on this machine.
fn run(limit: Limit, targets: &[&Target]) -> Result<(), String> {
    if !shell::is_there(FUZZER) {
        return shell::skip("the fuzzers", FUZZER, REMEDY);
    }
    let programs = build()?;
    let waiting = Mutex::new(targets.iter());
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.next()
    };
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = next() {
                    if let Err(why) = fuzz(target, limit, &programs) {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        failures.push(why);
                    }
                }
            });
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// Builds a program for each target, and says where they are.
fn build() -> Result<PathBuf, String> {
    let folder = format!("{FOLDER}/build");
    let cargo = [
        "+nightly",
        "fuzz",
        "build",
        "--fuzz-dir",
        "crates/jibit-fuzz/fuzz",
        // No code here or in the core is unsafe: the sanitizers have nothing to find.
        "--sanitizer",
        "none",
        // Without them half as many executions more a second, and as many paths found in
        // as long or more, by every target that was tried both ways.
        "--no-trace-compares",
        "--target-dir",
        &folder,
    ];
    shell::run("cargo", &cargo)?;
    let about = shell::output("rustc", &["+nightly", "-vV"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not say for which machine it builds")?;
    Ok(shell::root()?.join(folder).join(host).join("release"))
}

fn has_nightly() -> bool {
    let toolchains = Command::new("rustup").args(["toolchain", "list"]).output();
    toolchains.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("nightly"))
}

/// Fuzzes one target to its limit.
fn fuzz(target: &Target, limit: Limit, programs: &Path) -> Result<(), String> {
    let name = target.name;
    let folder = shell::root()?.join(FOLDER);
    let (seeds, corpus) = (
        folder.join("seeds").join(name),
        folder.join("corpus").join(name),
    );
    let found = shell::root()?.join("fixtures/found").join(name);
    let failed = |error| format!("fuzz: {name}: cannot write its files: {error}");
    for folder in [&seeds, &corpus, &found, &folder.join("log")] {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    for (place, seed) in (target.seeds)().iter().enumerate() {
        fs::write(seeds.join(place.to_string()), seed).map_err(failed)?;
    }
    let log = folder.join("log").join(name);
    let mut program = Command::new(programs.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
    program
        .args([&corpus, &seeds])
        .arg(match limit {
            Limit::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Limit::Runs(runs) => format!("-runs={runs}"),
        })
        .args([
            "-timeout=10",
            "-report_slow_units=60",
            "-print_final_stats=1",
        ])
        .arg(format!("-artifact_prefix={}/", found.display()))
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).map_err(failed)?);
    let began = Instant::now();
    let mut program = program
        .spawn()
        .map_err(|error| format!("fuzz: {name}: cannot be started: {error}"))?;
    let is_well = watch(name, &mut program, &log)?;
    let told = fs::read(&log).map_err(failed)?;
    let told = String::from_utf8_lossy(&told);
    if !is_well {
        let last: Vec<_> = told.lines().rev().take(40).collect();
        for line in last.iter().rev() {
            eprintln!("fuzz: {name}: {line}");
        }
        return Err(format!(
            "fuzz: {name}: something does not hold. What shows it is now in {}; \
             `cargo test -p jibit-fuzz` runs it again. Mend it and commit both.",
            found.display()
        ));
    }
    // It goes if nothing was ever found.
    let _ = fs::remove_dir(&found);
    let _ = found.parent().map(fs::remove_dir);
    let executions = stat(&told, "stat::number_of_executed_units:").unwrap_or_default();
    if executions == 0 {
        return Err(format!("fuzz: {name}: was not executed once"));
    }
    println!(
        "fuzz: {name}: {executions} executions in {} s, nothing found",
        began.elapsed().as_secs()
    );
    Ok(())
}

/// Waits for a fuzzer's end and tells meanwhile how far it is. Whether it was well.
fn watch(name: &str, program: &mut Child, log: &Path) -> Result<bool, String> {
    let mut told = Instant::now();
    loop {
        let ended = program
            .try_wait()
            .map_err(|error| format!("fuzz: {name}: cannot be waited for: {error}"))?;
        if let Some(status) = ended {
            return Ok(status.success());
        }
        if told.elapsed() >= PULSE {
            told = Instant::now();
            let text = fs::read(log).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            if let Some(executions) = text.lines().rev().find_map(pulse) {
                println!("fuzz: {name}: more than {executions} executions so far");
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// The executions in a line such as `#4096 pulse cov: 812 …`.
fn pulse(line: &str) -> Option<u64> {
    let number = line.strip_prefix('#')?.split_whitespace().next()?;
    number.parse().ok()
}

fn stat(told: &str, name: &str) -> Option<u64> {
    let value = told.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_limits_are_read() {
        let (limit, targets) = read(&[]).unwrap();
        assert_eq!((limit, targets.len()), (Limit::Seconds(20), TARGETS.len()));
        let (limit, targets) = read(&["--runs", "5", "--only", "mobile"]).unwrap();
        assert_eq!(limit, Limit::Runs(5));
        assert_eq!(targets.first().unwrap().name, "mobile");
        assert_eq!(targets.len(), 1);
        for args in [
            &["--runs"][..],
            &["--runs", "0"],
            &["--seconds", "soon"],
            &["--only", "refund"],
            &["verify", "1"],
        ] {
            assert!(matches!(read(args), Err(Failure::Usage(_))), "{args:?}");
        }
    }

    #[test]
    fn what_the_fuzzer_tells_is_understood() {
        let told = "INFO: x\n#2\tINITED cov: 3\n#4096\tpulse  cov: 9\nstat::number_of_executed_units: 5000\n";
        assert_eq!(told.lines().rev().find_map(pulse), Some(4096));
        assert_eq!(stat(told, "stat::number_of_executed_units:"), Some(5000));
        assert_eq!(stat("", "stat::number_of_executed_units:"), None);
    }
}
