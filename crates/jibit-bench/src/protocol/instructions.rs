//! Instructions, which hold still on a shared machine: callgrind counts a process of a
//! thousand repetitions and one of two thousand, and the difference is a thousand
//! repetitions with no start and no end.

use std::process::{Command, Stdio};

use super::work::{By, Task};
use crate::Outcome;

const TIMES: usize = 1_000;

/// What is said where valgrind is not there.
pub(crate) const MISSING: &str =
    "NOT COUNTED: instructions, for want of valgrind (apt-get install valgrind)";

/// Whether valgrind is there.
pub(crate) fn available() -> bool {
    let mut command = Command::new("valgrind");
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// For one repetition.
pub(super) fn each(task: Task, by: By) -> Outcome<f64> {
    let count = |times: usize| {
        count(&[
            "core-work".to_owned(),
            format!("--task={}", task.name()),
            format!("--by={by:?}").to_lowercase(),
            format!("--times={times}"),
        ])
    };
    Ok((count(2 * TIMES)? - count(TIMES)?) / TIMES as f64)
}

/// How many instructions this program executes with these arguments.
pub(crate) fn count(words: &[String]) -> Outcome<f64> {
    let own = std::env::current_exe()
        .map_err(|error| format!("this program does not know where it is: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(words)
        .output()
        .map_err(|error| format!("valgrind cannot be started: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("under valgrind a process failed: {told}"));
    }
    collected(&told).ok_or_else(|| format!("valgrind counted nothing: {told}"))
}

fn collected(told: &str) -> Option<f64> {
    let (_, count) = told
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found() {
        let told = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(collected(told), Some(1_234_567.0));
        assert_eq!(collected("==7== Collected : \n"), None);
        assert_eq!(collected(""), None);
    }
}
