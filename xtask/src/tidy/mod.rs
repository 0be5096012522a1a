//! `cargo xtask tidy`: the project's rules that no compiler lint covers.
//!
//! Each check has a file of its own; this one runs them and holds what more
//! than one of them uses.

mod core_purity;
mod core_source;
mod drivers;
mod fixture_sources;
mod lints_and_docs;
mod minimum_rust;
mod named_tests;
mod sandbox_side;

use std::fmt::Display;
use std::path::Path;

use crate::files::{read, rust_files};
use crate::shell::{self, Failure};

/// A check: its findings, or why it could not run.
type Check = fn(&Path) -> Result<Vec<String>, String>;

/// The checks by name, in the order in which they run.
const CHECKS: [(&str, Check); 8] = [
    ("core purity", core_purity::check),
    ("core source", core_source::check),
    ("drivers", drivers::check),
    ("the gateway's side", sandbox_side::check),
    ("minimum Rust version", minimum_rust::check),
    ("lints and crate docs", lints_and_docs::check),
    ("fixture sources", fixture_sources::check),
    ("named tests", named_tests::check),
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

/// What `find` finds in the Rust files below a folder: with a line number each,
/// what the file may not mention.
fn in_sources<T: Display>(
    root: &Path,
    folder: &str,
    find: fn(&str) -> Vec<(usize, T)>,
) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    rust_files(&root.join(folder), &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    for file in files {
        let source = read(&file)?;
        let shown = file.strip_prefix(root).unwrap_or(&file).display();
        findings.extend(
            find(&source)
                .iter()
                .map(|(line, what)| format!("{shown}:{line}: mentions `{what}`")),
        );
    }
    Ok(findings)
}

/// The members of a `use` group, whose opening brace is just before `text`.
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
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// The Rust name at the start of a text, empty if there is none.
fn first_word(text: &str) -> &str {
    text.split(|letter| !is_word(letter))
        .next()
        .unwrap_or_default()
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
