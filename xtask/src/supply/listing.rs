//! The crates that a user of each package builds, with their licences, and how often the
//! word `unsafe` stands in the code of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;

use super::PACKAGES;
use crate::{
    files::{read, rust_files},
    packages::{self, text},
};

const HEAD: &str = "\
# What jibit is built on

Written by `cargo xtask supply --write` and held to `Cargo.lock` by CI: what a change brings in is
seen in its review. Counted for Linux on x86-64 with all features of a package, build scripts and
macros included, tests not. `unsafe` is how often that keyword stands in a crate's code, on
whatever platform and with whatever feature; our own crates have none and forbid it.

";

/// What is told of a crate.
struct Crate {
    licence: String,
    unsafes: usize,
    ours: bool,
}

/// The listing, as it stands in the documents.
pub(super) fn list(metadata: &Value) -> Result<String, String> {
    let mut built = BTreeMap::new();
    for package in PACKAGES {
        let args = [
            "--edges=normal,build",
            "--target=x86_64-unknown-linux-gnu",
            "--all-features",
            "--package",
            package,
        ];
        built.insert(package, packages::built(&args)?);
    }
    let crates = look(metadata, &built.values().flatten().collect())?;
    let (ours, others): (BTreeMap<_, _>, _) = crates.into_iter().partition(|(_, it)| it.ours);
    if let Some((name, _)) = ours.iter().find(|(_, it)| it.unsafes > 0) {
        return Err(format!("{name} is ours and has `unsafe` code"));
    }
    Ok(write(&built, &others))
}

/// Looks at these crates in cargo's metadata, and at all of ours.
fn look(metadata: &Value, built: &BTreeSet<&String>) -> Result<BTreeMap<String, Crate>, String> {
    let (members, others) = packages::packages(metadata)?;
    let members = members.into_iter().map(|it| (it, true));
    let others = others.into_iter().map(|it| (it, false));
    let mut crates = BTreeMap::new();
    for (package, ours) in members.chain(others) {
        let name = packages::name(package).ok_or("cargo's metadata has a nameless package")?;
        if !ours && !built.contains(&name) {
            continue;
        }
        let licence = text(package, "license").unwrap_or("in a file of its own");
        let told = Crate {
            licence: licence.replace('/', " OR "),
            unsafes: unsafes(package).map_err(|error| format!("{name}: {error}"))?,
            ours,
        };
        crates.insert(name, told);
    }
    match built.iter().find(|name| !crates.contains_key(**name)) {
        Some(name) => Err(format!("cargo's metadata does not tell of {name}")),
        None => Ok(crates),
    }
}

/// How often `unsafe` stands in what of a package its users build.
fn unsafes(package: &Value) -> Result<usize, String> {
    let targets = package.get("targets").and_then(Value::as_array);
    let mut files = BTreeSet::new();
    for target in targets.ok_or("has no targets")? {
        let kinds = target.get("kind").and_then(Value::as_array);
        let is = |kind: &str| kinds.is_some_and(|it| it.iter().any(|it| it == kind));
        let source = Path::new(text(target, "src_path").ok_or("a target has no source")?);
        if is("custom-build") {
            files.insert(source.to_owned());
        } else if !["test", "bench", "example"].into_iter().any(is) {
            let mut found = Vec::new();
            rust_files(source.parent().unwrap_or(source), &mut found)?;
            files.extend(found);
        }
    }
    let mut count = 0;
    for file in files {
        // What is no Rust by itself is a part that others include, or a test's.
        if let Ok(code) = read(&file)?.parse() {
            count += words(code);
        }
    }
    Ok(count)
}

fn words(code: TokenStream) -> usize {
    let count = |token| match token {
        TokenTree::Ident(word) => usize::from(word == "unsafe"),
        TokenTree::Group(group) => words(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => 0,
    };
    code.into_iter().map(count).sum()
}

fn write(built: &BTreeMap<&str, BTreeSet<String>>, others: &BTreeMap<String, Crate>) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| package | crates of others | of them with `unsafe` |\n|---|---:|---:|\n");
    for package in PACKAGES {
        let names = built.get(package).into_iter().flatten();
        let crates: Vec<_> = names.filter_map(|it| others.get(it)).collect();
        let count = crates.iter().filter(|it| it.unsafes > 0).count();
        let _ = writeln!(text, "| {package} | {} | {count} |", crates.len());
    }
    text.push_str("\n| crate | licence | `unsafe` | in |\n|---|---|---:|---|\n");
    for (name, told) in others {
        let within: Vec<_> = PACKAGES
            .iter()
            .filter(|it| built.get(*it).is_some_and(|it| it.contains(name)))
            .map(|it| it.strip_prefix("jibit-").unwrap_or(it))
            .collect();
        let within = if within.len() == PACKAGES.len() {
            "all".to_owned()
        } else {
            within.join(", ")
        };
        let Crate {
            licence, unsafes, ..
        } = told;
        let _ = writeln!(text, "| {name} | {licence} | {unsafes} | {within} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyword_is_counted_where_it_is_code() {
        let code = r#"
            // unsafe
            const A: &str = "unsafe";
            unsafe fn f() { unsafe { g() } }
            m!(unsafe);
            #![forbid(unsafe_code)]
        "#;
        assert_eq!(words(code.parse().unwrap()), 3);
    }
}
