//! The tests that the documents name are there: what nobody can run proves nothing.

use std::path::Path;

use crate::files::{read, rust_files};

/// The documents that name tests. Where one has a table, every row names some.
const DOCUMENTS: [&str; 2] = ["docs/SECURITY.md", "docs/safety.md"];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        let text = read(&root.join(document))?;
        for row in rows_without(&text) {
            findings.push(format!("{document}: names no test in `{row}`"));
        }
        for named in named(&text) {
            if !is_there(root, named)? {
                let Named { package, path } = named;
                findings.push(format!("{document}: there is no test `{package}: {path}`"));
            }
        }
    }
    Ok(findings)
}

/// A test, as a document names it: `package: module::name`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Named<'a> {
    package: &'a str,
    path: &'a str,
}

fn named(text: &str) -> Vec<Named<'_>> {
    let is_path = |path: &str| {
        path.contains("::")
            && (path.chars()).all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | ':'))
    };
    let pieces = text.split('`').skip(1).step_by(2);
    let pairs = pieces.filter_map(|piece| piece.split_once(": "));
    let pairs = pairs.filter(|(_, path)| is_path(path));
    pairs
        .map(|(package, path)| Named { package, path })
        .collect()
}

/// The first cells of the rows of tables that name no test.
fn rows_without(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !line.starts_with('|') {
            continue;
        }
        // The first row is the head, and the second its line.
        let _ = lines.next();
        for row in lines.by_ref().take_while(|line| line.starts_with('|')) {
            if named(row).is_empty() {
                found.push(row.split('|').nth(1).unwrap_or_default().trim());
            }
        }
    }
    found
}

fn is_there(root: &Path, test: Named<'_>) -> Result<bool, String> {
    let folder = match test.package {
        "xtask" => root.join("xtask"),
        package => root.join("crates").join(package),
    };
    if !folder.is_dir() {
        return Ok(false);
    }
    let mut modules: Vec<_> = test.path.split("::").filter(|it| *it != "tests").collect();
    let Some(function) = modules.pop().map(|name| format!("fn {name}(")) else {
        return Ok(false);
    };
    let mut files = Vec::new();
    rust_files(&folder, &mut files)?;
    for file in files {
        let place = file.with_extension("");
        let place: Vec<_> = place.iter().filter_map(|it| it.to_str()).collect();
        let within = modules.iter().all(|module| place.contains(module));
        if within && read(&file)?.contains(&function) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
        Run `cargo test`, or `key: value`.\n\
        | threat | tests |\n\
        |---|---|\n\
        | this | `xtask: tidy::named_tests::tests::names_are_read` |\n\
        | that | none |\n\
        \n";

    #[test]
    fn names_are_read() {
        let path = "tidy::named_tests::tests::names_are_read";
        assert_eq!(
            named(TEXT),
            [Named {
                package: "xtask",
                path
            }]
        );
        assert_eq!(rows_without(TEXT), ["that"]);
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let root = crate::shell::root().unwrap();
        for (package, path, there) in [
            ("xtask", "tidy::named_tests::tests::names_are_read", true),
            ("xtask", "fuzz::names_are_read", false),
            (
                "xtask",
                "tidy::named_tests::tests::names_are_written",
                false,
            ),
            ("jibit-none", "tidy::names_are_read", false),
        ] {
            assert_eq!(
                is_there(&root, Named { package, path }).unwrap(),
                there,
                "{path}"
            );
        }
    }
}
