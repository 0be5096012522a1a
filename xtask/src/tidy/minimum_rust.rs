//! No dependency asks for a newer Rust than the project promises, or the
//! promise would break for its users.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::packages::{built, metadata, packages, text};

pub(super) fn check(_root: &Path) -> Result<Vec<String>, String> {
    let built = built(&["--workspace", "--all-features", "--target=all"])?;
    too_new(&metadata()?, &built)
}

/// The dependencies that are built and state too new a Rust version.
fn too_new(metadata: &Value, built: &BTreeSet<String>) -> Result<Vec<String>, String> {
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
        let name = text(package, "name").unwrap_or("a package");
        let package_version = text(package, "version").unwrap_or_default();
        let package_name = format!("{name} {package_version}");
        if let Some(stated) = text(package, "rust_version")
            && built.contains(&package_name)
            && version(stated)? > ours
        {
            let (major, minor, patch) = ours;
            findings.push(format!(
                "{package_name} needs Rust {stated}, the workspace promises {major}.{minor}.{patch}"
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let tree = ["us 0.1.0", "dep 3.0.1"].map(str::to_owned).into();
        for fine in [json!("1.88"), json!("1.88.0"), json!("1.9"), Value::Null] {
            assert!(too_new(&with_dependency(&fine), &tree).unwrap().is_empty());
        }
        let new = with_dependency(&json!("1.89"));
        assert_eq!(
            too_new(&new, &tree).unwrap(),
            ["dep 3.0.1 needs Rust 1.89, the workspace promises 1.88.0"]
        );
        // Nobody builds it.
        assert!(too_new(&new, &BTreeSet::new()).unwrap().is_empty());
    }

    #[test]
    fn a_member_without_a_rust_version_is_an_error() {
        let metadata = json!({
            "workspace_members": ["us"],
            "packages": [{"id": "us", "name": "us", "rust_version": null}],
        });
        let none = BTreeSet::new();
        assert!(too_new(&metadata, &none).is_err());
        assert!(too_new(&json!({"workspace_members": [], "packages": []}), &none).is_err());
        assert!(too_new(&json!({}), &none).is_err());
    }
}
