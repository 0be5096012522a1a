//! `cargo xtask tidy`: the project's rules that no compiler lint covers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixtures;
use crate::shell::{self, Failure};

/// The crates the core may depend on, itself included: none of them does I/O,
/// reads a clock or draws random numbers.
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

/// What the source of the core may not mention: time, randomness and the
/// world outside come in as arguments.
const IMPURE: [&str; 10] = [
    "SystemTime::now",
    "Instant::now",
    "std::env",
    "env::var",
    "thread::sleep",
    "std::net",
    "std::fs",
    "RandomState",
    "rand::",
    "getrandom",
];

/// A check: its findings, or why it could not run.
type Check = fn(&Path) -> Result<Vec<String>, String>;

/// The checks by name, in the order in which they run.
const CHECKS: [(&str, Check); 5] = [
    ("core purity", core_purity),
    ("core source", core_source),
    ("minimum Rust version", minimum_rust),
    ("lints and crate docs", lints_and_docs),
    ("fixture sources", fixture_sources),
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    shell::no_arguments("tidy", args)?;
    Ok(run()?)
}

/// Runs all checks, also after one has failed, so that one run shows all
/// there is to mend.
pub(crate) fn run() -> Result<(), String> {
    let root = shell::root()?;
    let mut all = Vec::new();
    for (name, check) in CHECKS {
        // A check that cannot run has not passed.
        let findings = check(&root).unwrap_or_else(|error| vec![error]);
        let verdict = if findings.is_empty() { "ok" } else { "FAILED" };
        println!("tidy: {name} ... {verdict}");
        all.extend(findings.iter().map(|finding| format!("{name}: {finding}")));
    }
    if all.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "tidy has {} findings:\n  {}",
            all.len(),
            all.join("\n  ")
        ))
    }
}

/// Check 1: the core depends on nothing that could do I/O.
fn core_purity(_root: &Path) -> Result<Vec<String>, String> {
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

/// Check 2: the source of the core does not reach outside either.
fn core_source(root: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    rust_files(&root.join("crates/jibit-proto/src"), &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    for file in files {
        let source = read(&file)?;
        let shown = file.strip_prefix(root).unwrap_or(&file).display();
        findings.extend(
            impurities(&source)
                .iter()
                .map(|(line, what)| format!("{shown}:{line}: mentions `{what}`")),
        );
    }
    Ok(findings)
}

/// Collects the Rust files below a folder.
fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("cannot list {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads a file, naming it in the error.
fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The forbidden names in a source text outside its comments, with their
/// line numbers.
fn impurities(source: &str) -> Vec<(usize, &'static str)> {
    let code = without_comments(source);
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    for what in IMPURE {
        for (number, line) in (1..).zip(code.lines()) {
            if mentions(line, what) {
                found.push((number, what));
            }
        }
        // `use std::{fs, ...}` is `std::fs` spelled another way.
        if let Some(module) = what.strip_prefix("std::") {
            for (start, opening) in code.match_indices("std::{") {
                let (before, after) = code.split_at(start + opening.len());
                if group_members(after).any(|member| member == module) {
                    found.push((before.matches('\n').count() + 1, what));
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// The first path segments of the members of a `use` group, whose opening
/// brace is just before `text`.
fn group_members(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 1_u32;
    let end = text.find(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let group = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let mut depth = 0_u32;
    group
        .split(move |letter| {
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter == ',' && depth == 0
        })
        .filter_map(|member| member.trim_start().split(|letter| !is_word(letter)).next())
}

/// Whether a line has `what` in it as whole words: `operand::` is not `rand::`.
fn mentions(line: &str, what: &str) -> bool {
    line.match_indices(what).any(|(start, _)| {
        let (before, rest) = line.split_at(start);
        let after = rest.strip_prefix(what).unwrap_or_default();
        let goes_on = what.ends_with(is_word) && after.starts_with(is_word);
        !before.ends_with(is_word) && !goes_on
    })
}

/// Whether a letter can be part of a Rust name.
fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A source text with its comments blanked and its lines kept.
///
/// Literals have to be told apart, because `"https://..."` opens no comment.
fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let comment = comment_length(rest);
        let length = comment
            .or_else(|| raw_string_length(rest).filter(|_| !ends_in_name(&code)))
            .or_else(|| string_length(rest))
            .or_else(|| char_length(rest))
            .unwrap_or(letter.len_utf8());
        let (head, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if comment.is_some() {
            code.push(' ');
            code.extend(head.matches('\n'));
        } else {
            code.push_str(head);
        }
        rest = tail;
    }
    code
}

/// Whether the code so far ends within a name, so that an `r` next is part of
/// it; the `b` and `c` of `br""` and `cr""` do not count.
fn ends_in_name(code: &str) -> bool {
    let before_prefix = code.strip_suffix(['b', 'c']).unwrap_or(code);
    before_prefix.ends_with(is_word)
}

/// The length of the comment at the start of a text, if there is one.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut inside = text.strip_prefix("/*")?;
    let mut depth = 1_u32;
    while depth > 0 {
        if let Some(after) = inside.strip_prefix("*/") {
            (depth, inside) = (depth - 1, after);
        } else if let Some(after) = inside.strip_prefix("/*") {
            (depth, inside) = (depth + 1, after);
        } else {
            let mut letters = inside.chars();
            letters.next()?;
            inside = letters.as_str();
        }
    }
    Some(text.len() - inside.len())
}

/// The length of the raw string at the start of a text, from its `r` on.
fn raw_string_length(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let opened = after.trim_start_matches('#');
    let hashes = after.len() - opened.len();
    let inside = opened.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close)?;
    Some(text.len() - inside.len() + end + close.len())
}

/// The length of the string at the start of a text, if there is one.
fn string_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.find(|letter| {
        let closes = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes
    })?;
    Some(end + 2)
}

/// The length of the character literal at the start of a text, if it is one
/// and not a lifetime.
fn char_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut letters = inside.chars();
    if letters.next()? == '\\' {
        // What is escaped may be a quote itself.
        letters.next()?;
        let after = letters.as_str();
        return Some(text.len() - after.len() + after.find('\'')? + 1);
    }
    let after = letters.as_str().strip_prefix('\'')?;
    Some(text.len() - after.len())
}

/// Check 3: no dependency asks for a newer Rust than the project does.
fn minimum_rust(_root: &Path) -> Result<Vec<String>, String> {
    too_new(&metadata()?)
}

/// What cargo says about the workspace and everything in its lock file.
fn metadata() -> Result<Value, String> {
    let text = shell::output(
        "cargo",
        &[
            "metadata",
            "--format-version",
            "1",
            "--all-features",
            "--locked",
        ],
    )?;
    serde_json::from_str(&text).map_err(|error| format!("cannot read cargo's metadata: {error}"))
}

/// The workspace's packages in cargo's metadata, and the others.
fn packages(metadata: &Value) -> Result<(Vec<&Value>, Vec<&Value>), String> {
    let list = |key| {
        metadata
            .get(key)
            .and_then(Value::as_array)
            .ok_or_else(|| format!("cargo's metadata has no list `{key}`"))
    };
    let members = list("workspace_members")?;
    Ok(list("packages")?.iter().partition(|package| {
        package
            .get("id")
            .is_some_and(|id| members.iter().any(|member| member == id))
    }))
}

/// A text in the metadata of a package.
fn text<'a>(package: &'a Value, key: &str) -> Option<&'a str> {
    package.get(key).and_then(Value::as_str)
}

/// The dependencies in cargo's metadata that state too new a Rust version.
fn too_new(metadata: &Value) -> Result<Vec<String>, String> {
    let (members, others) = packages(metadata)?;
    let mut ours = None;
    for member in members {
        let name = text(member, "name").unwrap_or("a package");
        let stated = text(member, "rust_version")
            .ok_or_else(|| format!("{name} does not inherit the workspace's rust-version"))?;
        let version = version(stated)?;
        // Members that differ are held to the oldest of them.
        ours = Some(ours.map_or(version, |lowest: Version| lowest.min(version)));
    }
    let ours = ours.ok_or("cargo's metadata has no workspace members")?;
    let mut findings = Vec::new();
    for package in others {
        if let Some(stated) = text(package, "rust_version")
            && version(stated)? > ours
        {
            let (major, minor, patch) = ours;
            findings.push(format!(
                "{} {} needs Rust {stated}, the workspace promises {major}.{minor}.{patch}",
                text(package, "name").unwrap_or("a package"),
                text(package, "version").unwrap_or_default(),
            ));
        }
    }
    Ok(findings)
}

/// Major, minor and patch, which order as versions do.
type Version = (u32, u32, u32);

/// Reads a Rust version, in which minor and patch may be missing.
fn version(stated: &str) -> Result<Version, String> {
    let parts: Option<Vec<u32>> = stated.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([major]) => Ok((*major, 0, 0)),
        Some([major, minor]) => Ok((*major, *minor, 0)),
        Some([major, minor, patch]) => Ok((*major, *minor, *patch)),
        _ => Err(format!("`{stated}` is not a Rust version")),
    }
}

/// Check 4: every crate has the workspace's lints, and says what it is for.
fn lints_and_docs(root: &Path) -> Result<Vec<String>, String> {
    let metadata = metadata()?;
    let (members, _) = packages(&metadata)?;
    let mut findings = Vec::new();
    for member in members {
        let manifest = text(member, "manifest_path")
            .map(Path::new)
            .ok_or("cargo's metadata has a package without a manifest")?;
        let shown = |path: &Path| {
            path.strip_prefix(root)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        if !inherits_lints(&read(manifest)?) {
            findings.push(format!(
                "{} lacks `[lints] workspace = true`",
                shown(manifest)
            ));
        }
        let Some(folder) = manifest.parent() else {
            continue;
        };
        let mut roots = 0;
        for name in ["src/lib.rs", "src/main.rs"] {
            let file = folder.join(name);
            if file.is_file() {
                roots += 1;
                if !begins_with_docs(&read(&file)?) {
                    findings.push(format!("{} does not begin with `//!`", shown(&file)));
                }
            }
        }
        if roots == 0 {
            findings.push(format!(
                "{} has neither src/lib.rs nor src/main.rs",
                shown(folder)
            ));
        }
    }
    Ok(findings)
}

/// Whether a manifest has `workspace = true` in its `[lints]` table.
fn inherits_lints(manifest: &str) -> bool {
    let mut table = "";
    manifest.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') {
            table = line;
        }
        table == "[lints]"
            && line
                .split_once('=')
                .is_some_and(|(key, value)| key.trim() == "workspace" && value.trim() == "true")
    })
}

/// Whether a crate's root file begins with its documentation.
fn begins_with_docs(source: &str) -> bool {
    source.starts_with("//!")
}

/// Check 5: every fixture names its source, along with the rest of its format.
fn fixture_sources(root: &Path) -> Result<Vec<String>, String> {
    fixtures::inspect(&root.join("fixtures")).map(|(_, findings)| findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    #[test]
    fn every_impure_name_is_found() {
        for what in IMPURE {
            let source = format!("//! Docs.\n\nfn f() {{ {what}(); }}\n");
            assert!(impurities(&source).contains(&(3, what)), "{what}");
        }
    }

    #[test]
    fn grouped_imports_do_not_hide_a_module() {
        let source =
            "use std::{\n    collections::{BTreeMap, HashMap},\n    fs::{self, File},\n};\n";
        assert_eq!(impurities(source), [(1, "std::fs")]);
        assert!(impurities("use std::{fmt, my::{fs, net}};").is_empty());
        assert_eq!(impurities("use std::{fmt, net};"), [(1, "std::net")]);
    }

    #[test]
    fn comments_may_say_anything() {
        let source = "\
//! Does not use `std::fs`.
/// Nor std::net.
fn f() {} // nor getrandom
/* nor /* rand:: */ RandomState
   Instant::now */
";
        assert_eq!(impurities(source), []);
    }

    #[test]
    fn literals_do_not_open_comments() {
        for literal in [
            r#""https://a""#,
            r#""\"//""#,
            r##"r#"" // "#"##,
            r##"br#"" /* "#"##,
            r#"('"', '/', '\'', '"')"#,
            r#"x::<'a>("//")"#,
        ] {
            let source = format!("let a = {literal}; std::fs::read(); // std::net\n");
            assert_eq!(impurities(&source), [(1, "std::fs")], "{literal}");
        }
    }

    #[test]
    fn parts_of_other_names_are_not_mentions() {
        assert_eq!(
            impurities("operand::f(); my_std::fs; std::fsx; MyRandomState"),
            []
        );
    }

    #[test]
    fn lines_are_counted_over_block_comments() {
        assert_eq!(impurities("/*\n\n*/\nuse std::env;\n"), [(4, "std::env")]);
    }

    #[test]
    fn versions_order_by_number() {
        assert_eq!(version("1.88").unwrap(), version("1.88.0").unwrap());
        assert!(version("1.9").unwrap() < version("1.88").unwrap());
        assert!(version("1.88.1").unwrap() > version("1.88").unwrap());
        assert!(version("2").unwrap() > version("1.99.9").unwrap());
        for wrong in ["", "1.x", "1.2.3.4", "1.88-beta"] {
            assert!(version(wrong).is_err(), "{wrong}");
        }
    }

    /// Metadata of a workspace on 1.88 with one dependency.
    fn with_dependency(rust_version: &Value) -> Value {
        json!({
            "workspace_members": ["us"],
            "packages": [
                {"id": "us", "name": "us", "rust_version": "1.88"},
                {"id": "dep", "name": "dep", "version": "3.0.1", "rust_version": rust_version},
            ],
        })
    }

    #[test]
    fn a_dependency_that_is_too_new_is_found() {
        for fine in [json!("1.88"), json!("1.88.0"), json!("1.9"), Value::Null] {
            assert!(too_new(&with_dependency(&fine)).unwrap().is_empty());
        }
        assert_eq!(
            too_new(&with_dependency(&json!("1.89"))).unwrap(),
            ["dep 3.0.1 needs Rust 1.89, the workspace promises 1.88.0"]
        );
    }

    #[test]
    fn a_member_without_a_rust_version_is_an_error() {
        let metadata = json!({
            "workspace_members": ["us"],
            "packages": [{"id": "us", "name": "us", "rust_version": null}],
        });
        assert!(too_new(&metadata).is_err());
        assert!(too_new(&json!({"workspace_members": [], "packages": []})).is_err());
        assert!(too_new(&json!({})).is_err());
    }

    #[test]
    fn lints_must_be_inherited() {
        assert!(inherits_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(inherits_lints("[lints] # ours\nworkspace=true # all\n"));
        for wrong in [
            "[package]\n",
            "[lints]\nworkspace = false\n",
            "[lints]\n# workspace = true\n",
            "[lints]\n[dependencies]\nworkspace = true\n",
            "[lints.rust]\nworkspace = true\n",
        ] {
            assert!(!inherits_lints(wrong), "{wrong}");
        }
    }

    #[test]
    fn crate_docs_come_first() {
        assert!(begins_with_docs("//! A crate.\n"));
        for wrong in ["", "// A crate.\n", "mod a;\n//! Late.\n"] {
            assert!(!begins_with_docs(wrong), "{wrong}");
        }
    }
}
