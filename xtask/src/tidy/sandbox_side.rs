//! The sandbox is the gateway's side: sharing the client's wire types, it would
//! share their mistakes too, and the tests between the two would prove nothing.

use std::path::Path;

use super::{first_word, group_members, in_sources, is_word, without_comments};

/// The client's crate.
const CORE: &str = "jibit_proto";

/// All that the sandbox may take from it.
const SHARED: [&str; 2] = ["Secret", "Timestamp"];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    in_sources(root, "crates/jibit-sandbox/src", borrowings)
}

/// What a source text takes from the client's crate beyond what it may, with
/// line numbers.
fn borrowings(source: &str) -> Vec<(usize, String)> {
    let code = without_comments(source);
    let mut found = Vec::new();
    for (start, _) in code.match_indices(CORE) {
        let (before, rest) = code.split_at(start);
        let after = rest.strip_prefix(CORE).unwrap_or_default();
        if before.ends_with(is_word) || after.starts_with(is_word) {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let Some(path) = after.trim_start().strip_prefix("::") else {
            // The whole crate, perhaps under another name.
            found.push((line, CORE.to_owned()));
            continue;
        };
        let path = path.trim_start();
        let members = match path.strip_prefix('{') {
            Some(group) => group_members(group).collect(),
            None => vec![path],
        };
        for name in members.into_iter().map(first_word) {
            if !SHARED.contains(&name) {
                // What is no name is a glob, or braces within braces.
                let name = if name.is_empty() { "*" } else { name };
                found.push((line, format!("{CORE}::{name}")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in a text, without their lines.
    fn names(source: &str) -> Vec<String> {
        borrowings(source)
            .into_iter()
            .map(|(_, name)| name)
            .collect()
    }

    #[test]
    fn the_shared_types_and_comments_are_fine() {
        let source = "\
//! Unlike `jibit_proto::wire`.
use jibit_proto::Timestamp;
use jibit_proto::{
    Secret as Hidden, // not jibit_proto::Client
    Timestamp,
};
fn f() -> jibit_proto::Secret { jibit_proto::Timestamp::from(0) }
use crate::server::wire::Head;
use my_jibit_proto::wire;
use jibit_protocol::wire;
";
        assert_eq!(borrowings(source), []);
    }

    #[test]
    fn a_wire_type_is_found() {
        let source = "/* a\n */\nuse jibit_proto::wire::Order;\n";
        assert_eq!(borrowings(source), [(3, "jibit_proto::wire".to_owned())]);
        for source in [
            "fn f(order: &jibit_proto::wire::Order) {}",
            "use ::jibit_proto::wire;",
            "use {std::fmt, jibit_proto::{Secret, wire::{Order, Timestamp}}};",
            "use jibit_proto::{\n    Timestamp,\n    wire,\n};",
            "use jibit_proto /* the core */ :: wire;",
        ] {
            assert_eq!(names(source), ["jibit_proto::wire"], "{source}");
        }
    }

    #[test]
    fn anything_else_is_found_too() {
        for (source, name) in [
            ("use jibit_proto::SecretKey;", "jibit_proto::SecretKey"),
            ("use jibit_proto::{self, Secret};", "jibit_proto::self"),
            ("use jibit_proto::*;", "jibit_proto::*"),
            ("use jibit_proto::{Secret, *};", "jibit_proto::*"),
            ("use jibit_proto::{{wire}};", "jibit_proto::*"),
            ("use jibit_proto as core;", "jibit_proto"),
            ("extern crate jibit_proto;", "jibit_proto"),
        ] {
            assert_eq!(names(source), [name], "{source}");
        }
        assert_eq!(
            names("use jibit_proto::{Api, Secret, wire};"),
            ["jibit_proto::Api", "jibit_proto::wire"]
        );
    }
}
