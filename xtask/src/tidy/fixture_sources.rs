//! Every fixture names its source, along with the rest of its format, so that
//! what the tests rest on can be traced.

use std::path::Path;

use crate::fixtures;

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    fixtures::inspect(&root.join("fixtures")).map(|(_, findings)| findings)
}
