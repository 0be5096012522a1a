//! `cargo xtask ci`: everything that must hold before a change is merged.

use std::time::Instant;

use serde_json::Value;

use crate::shell::{self, Failure};
use crate::{api, chaos, fixtures, fuzz, matrix, model, openapi, sim, supply, test, tidy};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let tested = match args {
        [] => false,
        ["--tested"] => true,
        _ => {
            return Err(Failure::Usage(
                "`ci` takes no argument but `--tested`".to_owned(),
            ));
        }
    };
    Ok(run(tested)?)
}

/// Runs the checks, the quick ones first, up to the first that fails.
fn run(tested: bool) -> Result<(), String> {
    type Step = (&'static str, fn() -> Result<(), String>);
    let steps: [Step; 15] = [
        ("format", format),
        ("clippy", clippy),
        ("tidy", tidy::run),
        ("fixtures", fixtures::check),
        ("test", test::run),
        ("doc", doc),
        ("matrix", matrix::run),
        ("api", api::run),
        ("supply", supply::run),
        ("model", model::run),
        ("openapi", || openapi::run("1")),
        ("feature sets", check_feature_sets),
        ("sim", sim::short),
        ("fuzz", fuzz::short),
        ("chaos", chaos::short),
    ];
    let mut times = Vec::new();
    for (name, step) in steps {
        if tested && name == "test" {
            continue;
        }
        let begun = Instant::now();
        step()?;
        times.push(format!("{:>6} s  {name}", begun.elapsed().as_secs()));
    }
    println!("all checks passed\n{}", times.join("\n"));
    Ok(())
}

fn format() -> Result<(), String> {
    shell::run("cargo", &["fmt", "--all", "--check"])
}

fn clippy() -> Result<(), String> {
    let all = ["clippy", "--workspace", "--all-targets", "--locked"];
    shell::run("cargo", &[&all[..], &["--", "-D", "warnings"]].concat())
}

fn doc() -> Result<(), String> {
    shell::run_with_env(
        "cargo",
        &["doc", "--workspace", "--no-deps", "--locked"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

/// Builds every published package with each set of features a user may pick.
fn check_feature_sets() -> Result<(), String> {
    let metadata = shell::output(
        "cargo",
        &["metadata", "--no-deps", "--format-version", "1", "--locked"],
    )?;
    let metadata = serde_json::from_str(&metadata)
        .map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    for (package, flags) in feature_sets(&metadata)? {
        let mut args = vec!["check", "--locked", "-p", &package];
        args.extend(flags.iter().map(String::as_str));
        shell::run("cargo", &args)?;
    }
    Ok(())
}

/// The published packages, each with the flags of one `cargo check`.
///
/// Single features are checked without the default ones, or a feature that
/// only builds along with another would go unseen.
fn feature_sets(metadata: &Value) -> Result<Vec<(String, Vec<String>)>, String> {
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .ok_or("cargo's metadata lists no packages")?;
    let mut sets = Vec::new();
    for package in packages {
        // `publish = false` shows as an empty list of registries.
        if package
            .get("publish")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            continue;
        }
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .ok_or("cargo's metadata has a package without a name")?;
        let features = package
            .get("features")
            .and_then(Value::as_object)
            .ok_or_else(|| format!("cargo's metadata has no features for {name}"))?;
        if features.is_empty() {
            sets.push((name.to_owned(), Vec::new()));
            continue;
        }
        let none = "--no-default-features".to_owned();
        sets.push((name.to_owned(), vec![none.clone()]));
        for feature in features.keys() {
            let flags = vec![none.clone(), "--features".to_owned(), feature.clone()];
            sets.push((name.to_owned(), flags));
        }
        sets.push((name.to_owned(), vec!["--all-features".to_owned()]));
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_arguments_are_usage_errors() {
        for args in [&["--fast"][..], &["--tested", "--tested"]] {
            assert!(matches!(command(args), Err(Failure::Usage(_))));
        }
    }

    #[test]
    fn every_feature_is_checked_alone() {
        let metadata = json!({"packages": [
            {"name": "xtask", "publish": [], "features": {"hidden": []}},
            {"name": "plain", "publish": null, "features": {}},
            {"name": "rich", "publish": ["crates-io"], "features": {"a": [], "b": ["a"]}},
        ]});
        let lines: Vec<String> = feature_sets(&metadata)
            .unwrap()
            .into_iter()
            .map(|(name, flags)| format!("{name} {}", flags.join(" ")))
            .collect();
        assert_eq!(
            lines,
            [
                "plain ",
                "rich --no-default-features",
                "rich --no-default-features --features a",
                "rich --no-default-features --features b",
                "rich --all-features",
            ]
        );
    }

    #[test]
    fn strange_metadata_is_an_error() {
        for metadata in [
            json!({}),
            json!({"packages": [{}]}),
            json!({"packages": [{"name": "a"}]}),
        ] {
            assert!(feature_sets(&metadata).is_err());
        }
    }
}
