//! What a shop takes: the crates that it is built from, the time of a clean build, the
//! size of its program. Each is a project of its own, outside this workspace, with this
//! workspace's versions.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::json;

use crate::{
    Outcome,
    figures::{Figure, Measured, progress},
};

struct Shop {
    name: &'static str,
    source: &'static str,
    /// As the manifest has them; `{crates}` is where this project's are.
    dependencies: &'static str,
    /// Crates, and bytes of the program.
    bounds: Option<(usize, Option<u64>)>,
}

const SHOPS: [Shop; 4] = [
    Shop {
        name: "jibit-proto",
        source: include_str!("../shops/proto.rs"),
        dependencies: "jibit-proto = { path = '{crates}/jibit-proto' }\n",
        bounds: Some((20, None)),
    },
    Shop {
        name: "jibit-blocking",
        source: include_str!("../shops/blocking.rs"),
        dependencies: "jibit-blocking = { path = '{crates}/jibit-blocking' }\n",
        bounds: Some((45, Some(2_800_000))),
    },
    Shop {
        name: "jibit-hyper",
        source: include_str!("../shops/hyper.rs"),
        dependencies: "jibit-hyper = { path = '{crates}/jibit-hyper' }\n\
                       tokio = { version = '1', features = ['rt'] }\n",
        bounds: Some((60, Some(3_000_000))),
    },
    Shop {
        name: "reqwest",
        source: include_str!("../shops/reqwest.rs"),
        dependencies: "reqwest = { version = '0.13', features = ['json'] }\n\
                       serde = { version = '1', features = ['derive'] }\n\
                       tokio = { version = '1', features = ['rt'] }\n",
        bounds: None,
    },
];

pub(crate) fn measure() -> Outcome<Measured> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = fs::canonicalize(&crates)
        .map_err(|error| format!("the project is no longer where it was built: {error}"))?;
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let mut figures = Vec::new();
    for shop in &SHOPS {
        progress(&format!("a clean build of a shop on {}", shop.name));
        figures.push(shop.figure(&crates, folder.path())?);
    }
    Ok(Measured {
        name: "size",
        figures,
        notes: Vec::new(),
    })
}

impl Shop {
    /// The project's folder, ready to be built.
    fn made(&self, crates: &Path, folder: &Path) -> Outcome<PathBuf> {
        let place = folder.join(self.name);
        let crates = crates.display().to_string();
        let dependencies = self.dependencies.replace("{crates}", &crates);
        let manifest = format!(
            "[package]\nname = 'shop'\nversion = '0.0.0'\nedition = '2024'\n\n\
             [dependencies]\n{dependencies}\n\
             [profile.release]\nstrip = true\n\n[workspace]\n"
        );
        let lock = fs::read_to_string(format!("{crates}/../Cargo.lock"));
        let write = || {
            fs::create_dir_all(place.join("src"))?;
            fs::write(place.join("Cargo.toml"), manifest)?;
            fs::write(place.join("Cargo.lock"), lock?)?;
            fs::write(place.join("src/main.rs"), self.source)
        };
        write().map_err(|error| format!("a shop cannot be written: {error}"))?;
        Ok(place)
    }

    fn figure(&self, crates: &Path, folder: &Path) -> Outcome<Figure> {
        let place = self.made(crates, folder)?;
        let tree = cargo(&place, &["tree", "--edges=normal", "--prefix=none"])?;
        let count = crates_in(&tree);
        let begun = Instant::now();
        cargo(&place, &["build", "--release", "--quiet"])?;
        let seconds = begun.elapsed().as_secs_f64();
        let program = place.join("target/release/shop");
        let bytes = fs::metadata(program)
            .map_err(|error| format!("a shop was not built: {error}"))?
            .len();
        let megabytes = bytes as f64 / 1e6;
        let (bound, held) = match self.bounds {
            None => ("none".to_owned(), true),
            Some((most, None)) => (format!("{most} crates"), count <= most),
            Some((most, Some(large))) => (
                format!("{most} crates, {:.1} MB", large as f64 / 1e6),
                count <= most && bytes <= large,
            ),
        };
        Ok(Figure {
            name: format!("a shop on {}", self.name),
            measured: format!(
                "{count} crates, {megabytes:.2} MB stripped, {seconds:.0} s for a clean build"
            ),
            bound,
            held,
            details: json!({"crates": count, "bytes": bytes, "seconds": seconds}),
        })
    }
}

/// The crates of a tree, without the shop itself.
fn crates_in(tree: &str) -> usize {
    let names = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let names: BTreeSet<_> = names.filter(|line| !line.is_empty()).collect();
    names
        .iter()
        .filter(|name| !name.starts_with("shop "))
        .count()
}

fn cargo(folder: &Path, words: &[&str]) -> Outcome<String> {
    let output = Command::new("cargo")
        .args(words)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {} failed: {told}", words.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_counts_once_and_the_shop_does_not() {
        let tree = "shop v0.0.0 (/tmp/shop)\nbytes v1.12.2\nhttp v1.5.0\nbytes v1.12.2\nhttp v1.5.0 (*)\n\n";
        assert_eq!(crates_in(tree), 2);
    }
}
