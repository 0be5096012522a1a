//! Every crate has the workspace's lints, which cargo does not apply by itself,
//! and says at its top what it is for.

use std::path::Path;

use crate::files::read;
use crate::packages::{metadata, packages, text};

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
