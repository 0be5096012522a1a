//! Drivers carry out and decide nothing: they are short, and bring along no
//! runtime and no HTTP library that they do not name.

use std::path::Path;

use crate::{files::read, shell};

/// As long as a driver may be, in lines.
const LONGEST: usize = 150;

/// Each driver, with what its dependencies may not hold.
const DRIVERS: [(&str, &[&str]); 2] = [
    (
        "jibit-client",
        &["tokio", "smol", "async-io", "hyper", "reqwest", "ureq"],
    ),
    ("jibit-blocking", &["tokio", "smol", "async-io", "hyper"]),
];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for (driver, banned) in DRIVERS {
        let lines = read(&root.join(format!("crates/{driver}/src/driver.rs")))?
            .lines()
            .count();
        if lines >= LONGEST {
            findings.push(format!("{driver}'s driver has {lines} lines"));
        }
        let tree = shell::output(
            "cargo",
            &[
                "tree",
                "--locked",
                "--all-features",
                "-p",
                driver,
                "-e",
                "normal",
                "--prefix",
                "none",
                "--format",
                "{lib}",
            ],
        )?;
        findings.extend(
            found(&tree, banned)
                .into_iter()
                .map(|name| format!("{driver} depends on {name}")),
        );
    }
    Ok(findings)
}

/// Which of the names stand in a dependency tree, a library a line.
fn found<'a>(tree: &str, names: &[&'a str]) -> Vec<&'a str> {
    let holds = |name: &&&str| {
        tree.lines()
            .any(|line| line.trim() == name.replace('-', "_"))
    };
    names.iter().filter(holds).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_in_the_tree_is_found() {
        let tree = "jibit_client\nasync_io\nhyper_util\nbytes\n";
        assert_eq!(found(tree, &["tokio", "async-io", "hyper"]), ["async-io"]);
    }
}
