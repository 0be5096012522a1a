//! What cargo says of the workspace's packages and of what they are built on.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::shell;

/// What cargo says about the workspace and everything in its lock file.
pub(crate) fn metadata() -> Result<Value, String> {
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
pub(crate) fn packages(metadata: &Value) -> Result<(Vec<&Value>, Vec<&Value>), String> {
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
pub(crate) fn text<'a>(package: &'a Value, key: &str) -> Option<&'a str> {
    package.get(key).and_then(Value::as_str)
}

/// Names and versions, with a blank between them, of what cargo builds with these
/// arguments. The metadata also lists what only a feature that nobody has would build.
pub(crate) fn built(args: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut tree = vec!["tree", "--locked", "--prefix=none", "--format={p}"];
    tree.extend(args);
    Ok(read_tree(&shell::output("cargo", &tree)?))
}

fn read_tree(tree: &str) -> BTreeSet<String> {
    let package = |line: &str| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        Some(format!("{name} {version}"))
    };
    tree.lines().filter_map(package).collect()
}

/// A package's name and version, as [`built`] has them.
pub(crate) fn name(package: &Value) -> Option<String> {
    let (name, version) = (text(package, "name")?, text(package, "version")?);
    Some(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_as_names_and_versions() {
        let tree = read_tree("us v0.1.0 (/here)\ndep v3.0.1\ndep v3.0.1 (*)\n\n");
        assert_eq!(tree, ["us 0.1.0", "dep 3.0.1"].map(str::to_owned).into());
    }
}
