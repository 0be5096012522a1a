//! Every fixture names its source, along with the rest of its format, and is
//! used on both sides, so that what the tests rest on can be traced.
//!
//! The gateway's side is `cargo xtask fixtures check`; the client's side is a
//! test that reads every answer, whose snapshot has to name the fixture.

use std::path::Path;

use crate::{files, fixtures};

/// What the client's test makes of every answer.
const CLIENT_SIDE: &str =
    "crates/jibit-proto/tests/it/snapshots/it__fixtures__what_is_made_of_every_answer.snap";

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fixtures");
    let (_, mut findings) = fixtures::inspect(&folder)?;
    if findings.is_empty() {
        let read = files::read(&root.join(CLIENT_SIDE))?;
        findings = unread(fixtures::names(&folder)?, &read);
        findings.extend(fixtures::differences(&folder)?);
    }
    Ok(findings)
}

/// The fixtures that the client's snapshot does not name.
fn unread(names: Vec<String>, snapshot: &str) -> Vec<String> {
    names
        .into_iter()
        .filter(|name| !snapshot.lines().any(|line| line == name))
        .map(|name| format!("fixtures/{name}.http: no test of the client's side reads it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_that_nobody_reads_is_found() {
        let names = || vec!["verify/ok".to_owned(), "verify/o".to_owned()];
        let found = unread(names(), "---\nverify/ok\nPayment {\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("fixtures/verify/o.http"));
    }
}
