//! The core depends on nothing that does I/O, reads a clock or draws random
//! numbers, so that it works the same under any runtime and in any test.

use std::collections::BTreeSet;
use std::path::Path;

use crate::shell;

/// The crates the core may depend on, itself included.
const CORE_CRATES: [&str; 22] = [
    "jibit-proto",
    "http",
    "bytes",
    "itoa",
    "fnv",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "memchr",
    "ryu",
    "zmij",
    "zeroize",
    "thiserror",
    "thiserror-impl",
    "percent-encoding",
    "base64",
    "httpdate",
    // Compile time only; they come with the derive macros.
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

pub(super) fn check(_root: &Path) -> Result<Vec<String>, String> {
    // All features and targets, or a dependency behind one would go unseen.
    let tree = shell::output(
        "cargo",
        &[
            "tree",
            "-p",
            "jibit-proto",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--all-features",
            "--target",
            "all",
            "--locked",
        ],
    )?;
    impure_crates(&tree)
}

/// The crates in the output of `cargo tree` that the core may not depend on.
fn impure_crates(tree: &str) -> Result<Vec<String>, String> {
    let names = crate_names(tree);
    // Output that was not understood would otherwise pass for a pure core.
    if !names.contains("jibit-proto") {
        return Err("`cargo tree` does not list jibit-proto itself".to_owned());
    }
    Ok(names
        .into_iter()
        .filter(|name| !CORE_CRATES.contains(name))
        .map(|name| format!("jibit-proto may not depend on {name}"))
        .collect())
}

/// The names in the output of `cargo tree --prefix none --format {p}`.
fn crate_names(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_output_gives_each_name_once() {
        let tree = "\
jibit-proto v0.1.0 (/src/crates/jibit-proto)
http v1.5.0
thiserror-impl v2.0.21 (proc-macro)

http v1.5.0 (*)
";
        let names: Vec<&str> = crate_names(tree).into_iter().collect();
        assert_eq!(names, ["http", "jibit-proto", "thiserror-impl"]);
    }

    #[test]
    fn a_crate_off_the_list_is_found() {
        let tree = "jibit-proto v0.1.0\nhttp v1.5.0\n";
        assert!(impure_crates(tree).unwrap().is_empty());
        assert_eq!(
            impure_crates(&format!("{tree}tokio v1.0.0\n")).unwrap(),
            ["jibit-proto may not depend on tokio"]
        );
        assert!(impure_crates("").is_err());
    }
}
